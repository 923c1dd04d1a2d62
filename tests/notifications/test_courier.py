"""The courier's promises where they are hard to keep: cancelled, doubled, leases lost, the database away."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from core.db.models import Delivery, EventGrant, Subscription
from core.delivery.message import Outcome
from core.invitations.model import NewLink
from core.invitations.offer import invite, revoke_invitation
from core.notifications.courier import Courier
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.wiring import build_outbound
from tests.faults.test_worker_killed import crowd
from tests.people import Town, until
from tests.servers import WebhookSink

PEOPLE = 120


@dataclass
class Scene:
    """A message to many webhooks, and couriers to carry it."""

    town: Town
    hooks: WebhookSink
    notification_id: int
    couriers: list[Courier]
    broken: list[int]

    async def courier(self) -> Courier:
        async def on_permanent(integration_id: int, _: Outcome) -> None:
            self.broken.append(integration_id)

        core = self.town.core
        courier = Courier(
            settings=core.settings,
            clock=self.town.clock,
            db=core.db,
            keys=core.keys,
            sender=build_outbound(core).sender,
            on_permanent=on_permanent,
        )
        await courier.start()
        self.couriers.append(courier)
        return courier

    async def statuses(self) -> set[str]:
        async with self.town.core.db.read() as session:
            query = select(Delivery.status).where(Delivery.notification_id == self.notification_id)
            return set(await session.scalars(query))


@pytest.fixture
async def scene(town: Town, hooks: WebhookSink) -> AsyncIterator[Scene]:
    event = await town.event()
    await crowd(town, (await town.row(event)).id, hooks, PEOPLE)
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    scene = Scene(town, hooks, sent.id, [], [])
    yield scene
    for courier in scene.couriers:
        await courier.close()


async def test_two_deliver_calls_at_once_send_each_message_once(scene: Scene) -> None:
    courier = await scene.courier()
    await asyncio.gather(*(courier.deliver(scene.notification_id) for _ in range(3)))
    assert sum(scene.hooks.counts().values()) == PEOPLE
    assert await scene.statuses() == {"delivered"}


async def test_a_clock_that_leaps_over_the_lease_sends_nothing_twice(scene: Scene) -> None:
    scene.hooks.answer("*", delay=0.05)
    courier = await scene.courier()
    first = asyncio.create_task(courier.deliver(scene.notification_id))
    await scene.hooks.wait_for(5, 10)
    scene.town.clock.shift = dt.timedelta(seconds=40)
    await courier.deliver(scene.notification_id)
    await first
    await courier.deliver(scene.notification_id)
    assert set(scene.hooks.counts().values()) == {1}
    assert await scene.statuses() == {"delivered"}


async def test_a_courier_that_lost_its_leases_sends_nothing_of_its_old_queue(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.hooks.answer("*", delay=0.02)
    slow, other = await scene.courier(), await scene.courier()
    away = asyncio.Event()

    async def nothing_is_recorded(*_: object) -> None:
        await away.wait()
        raise OperationalError("away", None, Exception())

    with monkeypatch.context() as patch:
        patch.setattr(slow.ledger, "record", nothing_is_recorded)
        stuck = asyncio.create_task(slow.deliver(scene.notification_id))
        await scene.hooks.wait_for(48, 10)
        scene.town.clock.shift = dt.timedelta(seconds=40)
        await other.deliver(scene.notification_id)
    away.set()
    await stuck
    repeated = sum(scene.hooks.counts().values()) - PEOPLE
    assert 0 < repeated <= 48
    assert await scene.statuses() == {"delivered"}


async def test_a_cancelled_delivery_records_what_was_sent_and_gives_back_the_rest(scene: Scene) -> None:
    scene.hooks.answer("*", delay=0.02)
    courier = await scene.courier()
    running = asyncio.create_task(courier.deliver(scene.notification_id))
    await scene.hooks.wait_for(20, 10)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await until(scene.statuses, lambda found: "sending" not in found)
    assert await scene.statuses() == {"delivered", "queued"}
    for _ in range(3):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await courier.deliver(scene.notification_id)
    await courier.deliver(scene.notification_id)
    assert set(scene.hooks.counts().values()) == {1}
    assert await scene.statuses() == {"delivered"}


async def test_a_database_that_is_away_for_a_while_loses_no_outcome(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    courier = await scene.courier()
    record, failures = courier.ledger.record, iter(range(3))

    async def sometimes(*args: object) -> list[str]:
        if next(failures, None) is not None:
            raise OperationalError("locked", None, Exception())
        return await record(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(courier.ledger, "record", sometimes)
    report = await courier.deliver(scene.notification_id)
    assert report.delivered == PEOPLE
    assert set(scene.hooks.counts().values()) == {1}


async def test_closing_in_the_middle_records_what_came_back_however_late(scene: Scene) -> None:
    scene.hooks.answer("*", delay=0.02)
    for number in range(1, PEOPLE, 2):
        scene.hooks.answer(f"/{number}", delay=0.3)
    courier = await scene.courier()
    running = asyncio.create_task(courier.deliver(scene.notification_id))
    await scene.hooks.wait_for(20, 10)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await courier.close()
    assert await scene.statuses() == {"delivered", "queued"}
    scene.couriers.clear()
    successor = await scene.courier()
    await successor.deliver(scene.notification_id)
    assert set(scene.hooks.counts().values()) == {1}


async def test_a_message_fault_leaves_the_channel_on_and_a_gone_end_point_is_switched_off(scene: Scene) -> None:
    scene.hooks.answer("/1", status=413)
    scene.hooks.answer("/2", status=410)
    courier = await scene.courier()
    report = await courier.deliver(scene.notification_id)
    assert (report.failed, report.delivered) == (2, PEOPLE - 2)

    async def switched_off() -> int:
        return len(scene.broken)

    await until(switched_off, lambda count: count == 1)


async def test_a_revoke_in_the_middle_of_a_crowd_sends_nothing_more_to_them_and_loses_nobody_else(
    town: Town, hooks: WebhookSink
) -> None:
    """Half of three hundred are in by an invitation that is taken back while the message goes out."""
    event = await town.event(is_public=False)
    row = await town.row(event)
    await crowd(town, row.id, hooks, 300)
    link = await town.core.act(town.alice.actor, invite, event.id, NewLink(kind="link"))
    async with town.core.db.write() as session:
        followers = list(await session.scalars(select(Subscription).where(Subscription.event_id == row.id)))
        for number, each in enumerate(followers):
            by = link.id if number % 2 else None
            session.add(
                EventGrant(
                    event_id=row.id, integration_id=each.integration_id, invitation_id=by, created_at=town.clock.now()
                )
            )
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    assert sent.recipients == 300
    hooks.answer("*", delay=0.2)
    scene = Scene(town, hooks, sent.id, [], [])
    courier = await scene.courier()
    sending = asyncio.create_task(courier.deliver(sent.id))
    await until(lambda: counted(hooks), lambda count: count >= 16)
    revoked = await town.core.act(town.alice.actor, revoke_invitation, event.id, link.id)
    assert revoked.ended_subscriptions == 150
    await sending
    town.clock.shift += dt.timedelta(minutes=1)
    await courier.deliver(sent.id)
    await courier.close()
    found = await town.report(sent.id)
    out = [each for number, each in enumerate(found.results) if number % 2]
    assert {each.status for each in found.results if each not in out} == {"delivered"}
    reached = sum(each.status == "delivered" for each in out)
    assert reached < 60  # what was on its way when the invitation was taken back, and not the claimed rest
    assert {each.status for each in out} <= {"delivered", "skipped"}
    assert all(each.reason for each in out if each.status == "skipped")
    assert sum(hooks.counts().values()) == found.delivered == 150 + reached


async def counted(hooks: WebhookSink) -> int:
    return sum(hooks.counts().values())
