"""Two accounts merge in the middle of a fan-out to both: everybody is told once. Counted at the far end."""

import time

from sqlalchemy import func, insert, select

from core.db.models import Delivery, Integration, Subscription
from core.delivery.channels import read_channel
from core.identities.linking import confirm_linking, mint_link_of_identity
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from tests.core.test_identities import pressed, seated
from tests.faults.test_worker_killed import crowd
from tests.people import Town
from tests.servers import WebhookSink

PEOPLE = 2_000
BOBS, DORAS = range(900), range(700, 1600)
"""Who follows at which end points; two hundred of them are both accounts'."""


async def theirs(town: Town, user_id: int, event_id: int, hooks: WebhookSink, paths: range) -> None:
    """Channels of that account at these paths, which follow the event."""
    now, keys = town.clock.now(), town.core.keys
    channels = [read_channel(hooks.url(f"/{number}").replace("http:", "json:")) for number in paths]
    async with town.core.db.write() as session:
        rows = await session.scalars(
            insert(Integration).returning(Integration.id),
            [
                {
                    "user_id": user_id, "name": "Hook", "tag": "hook", "kind": channel.kind, "label": "hook",
                    "is_active": True, "confirmed_at": now, "failures": 0, "created_at": now,
                    "apprise_url": keys.seal(channel.url),
                    "destination": keys.digest("destination", channel.destination),
                }
                for channel in channels
            ],
        )  # fmt: skip
        await session.execute(
            insert(Subscription),
            [
                {"event_id": event_id, "user_id": user_id, "integration_id": integration, "state": "active",
                 "requested_at": now, "created_at": now}
                for integration in rows
            ],
        )  # fmt: skip


async def test_a_merge_in_the_middle_of_2000_deliveries_loses_nothing_and_doubles_nothing(
    live: Town, hooks: WebhookSink
) -> None:
    event, dora = await live.event(), await pressed(live)
    event_id, bob, hers = (await live.row(event)).id, live.bob.actor.require_user(), dora.require_user()
    await theirs(live, hers, event_id, hooks, DORAS)
    await theirs(live, bob, event_id, hooks, BOBS)
    await crowd(live, event_id, hooks, PEOPLE)
    hooks.answer("*", delay=0.02)
    token = (await live.core.act(dora, mint_link_of_identity)).token
    here = await seated(live, live.bob)
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Fan", body="out"))
    await hooks.wait_for(PEOPLE // 4, 30)
    began = time.monotonic()
    done = await live.core.act(here, confirm_linking, token)
    assert done.merged == hers
    assert len(hooks.requests) < PEOPLE, f"the merge took {time.monotonic() - began:.1f} s"
    found = await live.settled(sent.id, 30)
    assert (found.delivered, found.failed, found.skipped) == (PEOPLE, 0, 0)
    reached = hooks.counts()
    assert len(reached) == PEOPLE
    assert set(reached.values()) == {1}
    async with live.core.db.read() as session:
        mine = select(func.count()).select_from(Subscription).where(Subscription.user_id == bob)
        assert await session.scalar(mine) == len(set(BOBS) | set(DORAS))
        orphans = select(func.count()).where(
            Delivery.integration_id.in_(select(Integration.id).where(Integration.user_id == hers))
        )
        assert await session.scalar(orphans) == 0
