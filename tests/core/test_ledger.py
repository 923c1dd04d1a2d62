"""The ledger: what becomes of a row, when it is tried again, and when its message is closed."""

import datetime as dt

import pytest
from sqlalchemy import select

from core.db.models import Event, Integration, Notification
from core.delivery.message import OK, Outcome
from core.errors import Code
from core.events.changes import cancel_event
from core.events.model import Cancellation
from core.integrations.model import IntegrationChange
from core.integrations.usecases import change_integration, remove_integration
from core.notifications.ledger import Result
from core.notifications.usecases import retry
from tests.core.look import refusal, rows
from tests.core.sent import BUSY, GONE, LATER, sent_to, switched_off
from tests.people import Town

pytestmark = pytest.mark.both_databases

# Attempts


async def test_attempts_wait_longer_each_time_and_the_last_is_dead(town: Town) -> None:
    sent = await sent_to(town)
    for attempt, wait in enumerate((10, 120, 900), start=1):
        (claimed,) = await sent.claim()
        at = sent.now
        await sent.ledger.record([Result(claimed, LATER)], at)
        row = await sent.row()
        assert (row.status, row.attempts, row.code, row.reason) == ("queued", attempt, "http_500", "It is in trouble.")
        assert row.next_attempt_at == at + dt.timedelta(seconds=wait)
        assert await sent.claim() == []
        sent.pass_(seconds=wait + 1)
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, LATER)], sent.now)
    row = await sent.row()
    assert (row.status, row.attempts) == ("dead", 4)
    report = await sent.ledger.settle(sent.id, sent.now)
    assert (report.failed, report.next_attempt_at, await sent.closed()) == (1, None, True)


async def test_a_deferral_uses_no_attempt_up_and_is_given_up_after_three_days(town: Town) -> None:
    sent = await sent_to(town, start=town.in_(days=9))
    for _ in range(6):
        (claimed,) = await sent.claim()
        at = sent.now
        await sent.ledger.record([Result(claimed, BUSY)], at)
        row = await sent.row()
        assert (row.status, row.attempts) == ("queued", 0)
        wait = row.next_attempt_at - at
        assert dt.timedelta(seconds=60) <= wait < dt.timedelta(seconds=120)
        sent.pass_(seconds=wait.total_seconds() + 1)
    (channel,) = await rows(town.core, select(Integration).where(Integration.id == sent.hooks[0]))
    assert channel.failures == 0
    sent.pass_(days=3)
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, BUSY)], sent.now)
    assert (await sent.row()).status == "dead"


async def test_who_always_asks_for_an_instant_is_asked_less_and_less_often(town: Town) -> None:
    sent = await sent_to(town, start=town.in_(days=9))
    waits = []
    for _ in range(12):
        (claimed,) = await sent.claim()
        at = sent.now
        hasty = Outcome(False, "http_429", "It asked to wait.", deferred=True, retry_after=0.01)
        await sent.ledger.record([Result(claimed, hasty)], at)
        waits.append(((await sent.row()).next_attempt_at - at).total_seconds())
        sent.pass_(seconds=waits[-1] + 0.1)
    assert waits[0] >= 5
    assert waits == sorted(waits)
    assert waits[-1] > 20


async def test_what_was_flushed_or_retried_after_days_gets_all_its_attempts(town: Town) -> None:
    sent = await sent_to(town, start=town.in_(days=9))
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, GONE)], sent.now)
    sent.pass_(days=4)
    await town.core.act(town.alice.actor, retry, sent.id)
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, LATER)], sent.now)
    assert ((await sent.row()).status, (await sent.row()).attempts) == ("queued", 1)


async def test_a_permanent_failure_is_dead_at_once(town: Town) -> None:
    sent = await sent_to(town)
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, GONE)], sent.now)
    row = await sent.row()
    assert (row.status, row.attempts, row.reason) == ("dead", 1, "It is gone for good.")


async def test_failures_of_a_channel_are_counted_and_a_delivery_clears_them(town: Town) -> None:
    sent = await sent_to(town)
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, LATER)], sent.now)
    (channel,) = await rows(town.core, select(Integration).where(Integration.id == sent.hooks[0]))
    assert (channel.failures, channel.last_error) == (1, "It is in trouble.")
    sent.pass_(seconds=11)
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, OK)], sent.now)
    (channel,) = await rows(town.core, select(Integration).where(Integration.id == sent.hooks[0]))
    assert (channel.failures, channel.last_error) == (0, None)
    row = await sent.row()
    assert (row.status, row.attempts, row.code, row.reason) == ("delivered", 2, "ok", None)
    assert row.sent_at is not None


# Settling


async def test_settling_closes_when_nothing_is_open_and_says_when_to_look_again(town: Town) -> None:
    sent = await sent_to(town, 2)
    one, two = await sent.claim()
    at = sent.now
    await sent.ledger.record([Result(one, OK), Result(two, LATER)], at)
    report = await sent.ledger.settle(sent.id, at)
    assert (report.delivered, report.waiting, await sent.closed()) == (1, 1, False)
    assert report.next_attempt_at == (at + dt.timedelta(seconds=10)).isoformat()
    sent.pass_(seconds=11)
    (two,) = await sent.claim()
    await sent.ledger.record([Result(two, OK)], sent.now)
    report = await sent.ledger.settle(sent.id, sent.now)
    assert (report.delivered, report.waiting, report.next_attempt_at, await sent.closed()) == (2, 0, None, True)


async def test_what_waited_for_its_channel_opens_its_message_again(town: Town) -> None:
    sent = await sent_to(town)
    await switched_off(sent)
    await sent.claim()
    await sent.ledger.settle(sent.id, sent.now)
    assert await sent.closed()
    on = IntegrationChange(is_active=True)
    await town.core.act(town.bob.actor, change_integration, sent.hooks[0], on)
    assert not await sent.closed()
    assert len(await sent.claim()) == 1


async def test_a_removed_channel_leaves_nothing_to_flush(town: Town) -> None:
    sent = await sent_to(town)
    await switched_off(sent)
    await sent.claim()
    await town.core.act(town.bob.actor, remove_integration, sent.hooks[0])
    assert (await sent.row()).status == "skipped"
    on = IntegrationChange(is_active=True)
    await refusal(town.core.act(town.bob.actor, change_integration, sent.hooks[0], on), Code.NOT_FOUND)


async def test_a_cancelled_event_sends_its_cancellation_and_messages_and_nothing_older(town: Town) -> None:
    sent = await sent_to(town)
    await town.core.act(town.alice.actor, cancel_event, sent.event.id, Cancellation())
    assert len(await sent.claim()) == 1
    (event,) = await rows(town.core, select(Event))  # type: ignore[type-var]
    query = select(Notification).where(Notification.event_id == event.id).order_by(Notification.id)
    claims = {each.kind: await sent.ledger.claim(each.id, 10, sent.now) for each in await rows(town.core, query)}
    assert {kind for kind, claim in claims.items() if claim.recipients} == {"cancelled"}
