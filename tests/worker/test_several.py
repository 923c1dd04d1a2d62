"""Several workers on PostgreSQL: a committed bell is rung at once, and a large message is carried by all of them."""

import asyncio
import contextlib

import pytest
from sqlalchemy import select, text

from core.db.models import OutboxRow
from core.notifications.ledger import Claim
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.settings import Settings
from core.wiring import build_core
from tests.faults.test_worker_killed import crowd
from tests.people import Clock, Town, people_of, until
from tests.servers import WebhookSink
from worker.main import working
from worker.relay import Relay

PEOPLE = 1_200


@pytest.fixture
def backend() -> str:
    return "postgresql"


class Bells:
    """In the place of Temporal: remembers who was rung."""

    def __init__(self) -> None:
        self.rung: list[int] = []

    async def ring_event(self, event_id: int, _public_id: str, _signal: str, _subject_id: int) -> None:
        self.rung.append(event_id)


async def test_a_bell_is_rung_as_soon_as_it_is_committed_without_waiting_for_the_next_look(town: Town) -> None:
    bells = Bells()
    relay = asyncio.create_task(Relay(town.core, bells, poll=3600.0).run())  # type: ignore[arg-type]
    try:
        for count in range(1, 4):
            await town.event()
            await until(lambda: _listed(bells), lambda rung: len(rung) == count, 5)  # noqa: B023 - awaited here
        await until(lambda: _waiting(town), lambda waiting: waiting == 0)
    finally:
        relay.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await relay


async def test_where_nothing_is_heard_the_outbox_is_looked_at_all_the_same(town: Town) -> None:
    async with town.core.db.write_rows() as connection:
        await connection.execute(text("ALTER TABLE outbox DISABLE TRIGGER soonish_say_outbox"))
    bells = Bells()
    relay = asyncio.create_task(Relay(town.core, bells, poll=0.05).run())  # type: ignore[arg-type]
    try:
        await town.event()
        await until(lambda: _listed(bells), lambda rung: len(rung) == 1, 5)
    finally:
        relay.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await relay


async def _listed(bells: Bells) -> list[int]:
    return bells.rung


async def _waiting(town: Town) -> int:
    async with town.core.db.read() as session:
        return len(list(await session.scalars(select(OutboxRow.id).where(OutboxRow.relayed_at.is_(None)))))


async def test_two_workers_share_one_message_and_nobody_is_left_out_or_written_to_twice(
    live_settings: Settings, clock: Clock, hooks: WebhookSink
) -> None:
    core = build_core(live_settings, clock=clock)
    async with working(live_settings, clock=clock) as one, working(live_settings, clock=clock) as two:
        town = await people_of(core, live_settings, clock)
        event = await town.event()
        await crowd(town, (await town.row(event)).id, hooks, PEOPLE)
        shares: dict[object, int] = {worker.courier.ledger: 0 for worker in (one, two)}
        for worker in (one, two):
            _count_claims(worker.courier.ledger, shares)
        sent = await core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
        report = await town.settled(sent.id, 60)
    await core.db.close()
    assert (report.delivered, report.failed) == (PEOPLE, 0)
    assert set(hooks.counts().values()) == {1}
    assert len(hooks.counts()) == PEOPLE
    assert sum(shares.values()) == PEOPLE
    assert min(shares.values()) > PEOPLE // 10, shares


def _count_claims(ledger: object, shares: dict[object, int]) -> None:
    claim = ledger.claim  # type: ignore[attr-defined]

    async def counted(*args: object) -> Claim:
        found: Claim = await claim(*args)
        if found.about is not None and found.about.notification.kind == "message":
            shares[ledger] += len(found.recipients)
        return found

    ledger.claim = counted  # type: ignore[attr-defined]
