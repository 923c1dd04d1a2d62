"""People who operate the service, for its tests."""

from sqlalchemy import update

from core.accounts.sessions import begin_session
from core.db.models import Delivery, Notification
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.operators.access import add_operator
from core.work import Actor, Work
from tests.people import OPERATOR, Person, Town


async def at_site(town: Town, person: Person) -> Actor:
    """That person, signed in at the site."""
    user_id = person.actor.require_user()

    async def sign_in(work: Work) -> int:
        return (await begin_session(work, user_id, "Firefox"))[0]

    return Actor(user_id, "web", None, await town.core.step(sign_in))


async def operator(town: Town) -> Actor:
    """Bob operates the service."""
    await town.core.act(OPERATOR, add_operator, town.bob.email)
    return await at_site(town, town.bob)


async def dead(town: Town, count: int, code: str = "http_410") -> int:
    """So many given-up deliveries of one message to bob's webhooks."""
    event = await town.event()
    hooks = [await town.channel(town.bob, f"json://192.0.2.7/secret{n}", tag=f"{code}{n}") for n in range(count)]
    await town.follow(town.bob, event, *hooks)
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    async with town.core.db.write() as session:
        ours = Delivery.notification_id == sent.id
        await session.execute(update(Delivery).where(ours).values(status="dead", code=code, attempts=4, reason="Gone."))
        await session.execute(update(Notification).where(Notification.id == sent.id).values(closed_at=town.clock.now()))
    return sent.id
