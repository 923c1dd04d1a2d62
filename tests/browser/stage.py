"""A film night as its people find it half-way: followed on many channels, written about, some of it not arrived. What
pictures are taken of, and what every page is tried on."""

import datetime as dt
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from sqlalchemy import select, update

from cli.mailsink import Mailbox
from core.accounts.address import ask_to_change
from core.accounts.links import ask_to_register
from core.accounts.model import AskForLink
from core.accounts.sessions import begin_session
from core.db.models import Delivery, Integration, Notification, Subscription, Token
from core.events.abuse import NewReport, report_event
from core.events.changes import cancel_event
from core.events.model import Cancellation, EventView
from core.identities.actors import actor_of_identity
from core.identities.linking import mint_link_of_identity
from core.identities.signed import SignedIdentity
from core.invitations.model import NewLink, NewMail, OneAddress
from core.invitations.offer import invite, invite_organizer
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.operations.seed import seed
from core.operators.access import add_operator
from core.subscriptions.join import ask_by_email
from core.subscriptions.model import SubscribeByEmail
from core.tokens import (
    ConfirmToken,
    LinkPurpose,
    LinkToken,
    UnsubscribeToken,
    address_token,
    confirm_token,
    link_token,
    unsubscribe_token,
)
from core.work import Actor, Work
from tests.people import OPERATOR, Town

_GONE = "The mail server says that there is no such mailbox."
_FOLLOWERS = 24

IN_CHAT: dict[str, Any] = {
    "discord_bot_token": "a.bot.token",
    "discord_client_id": "900",
    "slack_client_id": "1.2",
    "slack_client_secret": "a secret of this app's",
    "slack_signing_secret": "a signing secret",
}
"""Of a site whose visitors may add it to Discord and Slack; no platform is asked for anything."""


@dataclass
class Stage:
    town: Town
    event: EventView
    cancelled: EventView
    over: EventView
    silent: EventView
    """Which bob follows by a channel that is off."""
    invitation: str
    """Addresses, and below them paths, that only mails and messages have."""
    confirm: str
    leave: str
    leave_too: str
    address: str
    other_address: str
    way_in: str
    moving: str
    linking: str
    message: int
    """The latest, which did not arrive everywhere."""


async def staged(town: Town, *, days: int = 3) -> Stage:
    """`days`: for how long there were events before, which operators see."""
    over = await _past(town, days)
    start = _evening(town, 4)
    event = await town.event(
        start,
        name="Rooftop Film Night",
        end_date=start.replace(hour=20),
        timezone="Europe/Berlin",
        location="Kino Dach, Lenaustraße 12, Berlin",
        description=(
            "Two short films, one long one, hot soup and a view of the canal. We carry the projector up at six.\n\n"
            "Bring a blanket. If it rains we move downstairs to the café, and everybody on the list hears first."
        ),
        contact="Marta, at the door from 17:00",
        is_listed=True,
    )
    silent = await town.event(_evening(town, 12), name="Soup Kitchen", location="Lenaustraße 12", is_listed=True)
    await _followed(town, event, silent)
    message = await _written(town, event)
    cancelled = await town.event(
        _evening(town, 9), name="Canal Clean-up", location="Lohmühlenbrücke", timezone="Europe/Berlin"
    )
    for each in (event, cancelled):
        await _asks(town, each, "mira@example.org")
    await _asks(town, event, "jonas@example.org")
    await town.core.act(town.alice.actor, cancel_event, cancelled.id, Cancellation(reason="The water is too high."))
    await town.core.act(town.alice.actor, invite, event.id, NewMail(kind="email", email="ada@example.org"))
    await town.core.act(town.alice.actor, invite_organizer, event.id, OneAddress(email="marta@example.org"))
    made = await town.core.act(town.alice.actor, invite, event.id, NewLink(kind="link", max_uses=20))
    await town.core.act(Actor(None, "web", "10.0.0.9"), report_event, event.id, NewReport(body="It is spam, I think."))
    await town.core.act(OPERATOR, add_operator, town.alice.email)
    _mailed(town)
    return Stage(
        town=town,
        event=event,
        cancelled=cancelled,
        over=over,
        silent=silent,
        message=message,
        invitation=made.link or "",
        **await _links(town, event),
    )


def _evening(town: Town, days: int) -> dt.datetime:
    return town.in_(days=days).replace(hour=17, minute=30, second=0)


async def _past(town: Town, days: int) -> EventView:
    """What there was on each day; the last of it."""
    for ago in range(days, 0, -1):
        town.clock.shift = -dt.timedelta(days=ago)
        event = await town.event(town.in_(hours=20), name="Tuesday Talks", timezone="Europe/Berlin")
        await seed(town.core, OPERATOR, event.id, 3 + ago * 5 % 7, f"mailto://day{ago}-{{n}}@example.org", _quietly)
        sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Doors", body="At six."))
        await _arrived(town, sent.id, but=ago % 3)
    town.clock.shift = dt.timedelta()
    return event


def _quietly(_: int, __: int) -> None:
    return


async def _followed(town: Town, event: EventView, silent: EventView) -> None:
    await seed(town.core, OPERATOR, event.id, _FOLLOWERS, "mailto://guest{n}@example.org", _quietly)
    phone = await town.channel(town.bob, "ntfys://ntfy.example.org/bobs-phone", "Phone", "phone")
    display = await town.channel(town.bob, "jsons://hooks.example.org/bob", "Kitchen display", "kitchen")
    chat = await town.channel(town.carol, "discord://4711/a-token-of-a-webhook", "Film club", "club")
    await town.follow(town.bob, silent, display)
    await town.follow(town.bob, event, phone)
    await town.follow(town.bob, event)
    await town.follow(town.carol, event, chat)
    async with town.core.db.write() as session:
        broken = {"is_active": False, "disabled_reason": "It answered 410 Gone.", "last_error": "It answered 410 Gone."}
        await session.execute(update(Integration).where(Integration.id == display).values(**broken))


async def _written(town: Town, event: EventView) -> int:
    for title, body in (
        ("Programme is out", "Kiesel (12 min), Nachtzug (9 min), and Paterson after the break."),
        ("Doors moved to 18:00", "The lift is slow, so we open half an hour earlier. Films still start at 19:30."),
    ):
        sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title=title, body=body))
        await _arrived(town, sent.id, but=3 if title.startswith("Doors") else 0)
    return sent.id


async def _arrived(town: Town, message: int, *, but: int) -> None:
    """What a worker would have written."""
    now = town.clock.now()
    async with town.core.db.write() as session:
        await session.execute(
            update(Delivery)
            .where(Delivery.notification_id == message)
            .values(status="delivered", sent_at=now, attempts=1)
        )
        failed = select(Delivery.id).where(Delivery.notification_id == message).order_by(Delivery.id).limit(but)
        dead = {"status": "dead", "reason": _GONE, "code": "smtp_550", "sent_at": None}
        await session.execute(update(Delivery).where(Delivery.id.in_(failed)).values(**dead))
        await session.execute(update(Notification).where(Notification.id == message).values(closed_at=now))


async def _asks(town: Town, event: EventView, email: str) -> None:
    await ask_by_email(town.core, Actor(None, "web", "10.0.0.1"), event.id, SubscribeByEmail(email=email))


def _mailed(town: Town) -> None:
    """The mailbox of this machine, with one mail."""
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "In 4 days: Rooftop Film Night", "Soonish <s@example.org>", "mira@x.org"
    mail.set_content("Rooftop Film Night is in 4 days.")
    mail.add_alternative('<!doctype html><html lang="en"><title>m</title><main><h1>In 4 days</h1></main>', "html")
    Mailbox(town.settings.soonish_data / "mailbox").store([b"mira@example.org"], mail.as_bytes())


async def _links(town: Town, event: EventView) -> dict[str, str]:
    keys, row = town.core.keys, await town.row(event)
    guests = (
        select(Subscription.integration_id)
        .join(Integration, Integration.id == Subscription.integration_id)
        .where(Subscription.event_id == row.id, Integration.user_id.is_(None), Subscription.state == "active")
        .order_by(Subscription.id)
        .limit(4)
    )
    async with town.core.db.read() as session:
        asked = (await session.scalars(select(Subscription).where(Subscription.state == "unconfirmed"))).first()
        first, second, third, fourth = await session.scalars(guests)
    assert asked is not None
    confirm = ConfirmToken("subscription", asked.id, int(asked.requested_at.timestamp()))
    signed = SignedIdentity("discord", "", "80351110224678912", "Bob Otter")
    in_chat = await actor_of_identity(town.core, signed, "discord")
    return {
        "confirm": "/c/" + confirm_token(keys, confirm),
        "leave": "/u/" + unsubscribe_token(keys, UnsubscribeToken(row.id, first)),
        "leave_too": "/u/" + unsubscribe_token(keys, UnsubscribeToken(row.id, second)),
        "address": "/s/" + address_token(keys, third),
        "other_address": "/s/" + address_token(keys, fourth),
        "way_in": await _way_in(town),
        "moving": await _moving(town),
        "linking": "/link/" + (await town.core.act(in_chat, mint_link_of_identity)).token,
    }


async def _way_in(town: Town) -> str:
    """A link to sign in, which another browser asked for."""
    await ask_to_register(town.core, Actor(None, "web", "10.0.0.2"), AskForLink(email=town.bob.email), "a browser")
    return await _newest(town, "sign_in")


async def _moving(town: Town) -> str:
    """Where bob's account is asked whether it moves to another address."""
    user_id = town.bob.actor.require_user()

    async def begin(work: Work) -> int:
        await begin_session(work, user_id, "Firefox")
        return (await begin_session(work, user_id, "Firefox"))[0]

    seated = Actor(user_id, "web", session_id=await town.core.step(begin))
    await ask_to_change(town.core, seated, AskForLink(email="bob@otter.example.org"))
    return await _newest(town, "change_email")


async def _newest(town: Town, purpose: LinkPurpose) -> str:
    async with town.core.db.read() as session:
        token = (await session.scalars(select(Token).where(Token.purpose == purpose).order_by(Token.id.desc()))).first()
    assert token is not None
    return "/in/" + link_token(town.core.keys, LinkToken(purpose, token.id, int(token.created_at.timestamp())))
