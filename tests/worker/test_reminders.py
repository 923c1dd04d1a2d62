"""Reminders fire once, at the right time, through their real schedules; never late into the event, never twice."""

import datetime as dt

import pytest

from core.contracts import PARTICIPANT_ADDED, PARTICIPANT_REMOVED, SEND_MANUAL_NOTIFICATION, reminder_schedule_id
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.temporal import TemporalAwayError
from tests.core.look import notifications
from tests.people import Town, until
from tests.servers import SmtpSink, TemporalServer
from worker import activities
from worker.main import RunningWorker


def subjects(smtp: SmtpSink, address: str) -> list[str]:
    return [mail.subject for mail in smtp.to(address)]


async def test_a_reminder_fires_through_its_schedule_at_its_instant(
    live: Town, worker: RunningWorker, smtp: SmtpSink
) -> None:
    start = live.in_(hours=1, seconds=5)
    event = await live.event(start)
    await live.follow(live.bob, event)
    await until(lambda: worker.temporal.event_status(event.id), lambda found: bool(found and found.scheduled))
    client = await worker.temporal.client()
    schedule = client.get_schedule_handle(reminder_schedule_id(event.id, "reminder_1hour"))

    async def runs() -> int:
        return (await schedule.describe()).info.num_actions

    await until(runs, lambda count: count == 1)
    await smtp.wait_for(2, 10, to="bob@example.org")
    late = live.clock.now() - (start - dt.timedelta(hours=1))
    assert dt.timedelta(0) <= late < dt.timedelta(seconds=2)
    assert subjects(smtp, "bob@example.org")[-1] == "Launch party starts in 1 hour"


async def test_an_event_moved_ten_times_in_a_second_sends_one_reminder_at_the_last_time(
    live: Town, smtp: SmtpSink
) -> None:
    event = await live.event(live.in_(hours=1, seconds=30))
    await live.follow(live.bob, event)
    first = live.in_(hours=1, seconds=4)
    for number in range(10):
        moved = EventChange(start_date=first + dt.timedelta(seconds=(number + 2) % 4), notify=False)
        await live.core.act(live.alice.actor, change_event, event.id, moved)
    await until(lambda: _count(smtp, "starts in 1 hour"), lambda count: count >= 1)
    last_instant = first + dt.timedelta(seconds=3) - dt.timedelta(hours=1)
    assert live.clock.now() >= last_instant
    await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="After", body="all that"))
    await until(lambda: _count(smtp, "After"), lambda count: count == 1)
    assert await _count(smtp, "starts in 1 hour") == 1


async def test_who_follows_in_the_last_second_before_a_reminder_gets_it_once_with_the_others(
    live: Town, smtp: SmtpSink
) -> None:
    event = await live.event(live.in_(hours=1, seconds=4))
    await live.follow(live.bob, event)
    await until(lambda: notifications(live, event, "reminder_1hour"), bool)
    await live.follow(live.carol, event)
    await until(lambda: _count(smtp, "starts in 1 hour"), lambda count: count == 1)
    await smtp.wait_for(2, to="carol@example.org")
    assert subjects(smtp, "carol@example.org")[1:] == ["Launch party starts in 1 hour"]
    assert live.clock.now() >= event.start_date - dt.timedelta(hours=1)


async def _count(smtp: SmtpSink, words: str) -> int:
    return sum(words in subject for subject in subjects(smtp, "bob@example.org"))


async def test_an_event_half_an_hour_ahead_promises_no_reminder_and_sends_none(live: Town, smtp: SmtpSink) -> None:
    event = await live.event(live.in_(minutes=30))
    await live.follow(live.bob, event)
    await smtp.wait_for(1, 10, to="bob@example.org")
    welcome = smtp.to("bob@example.org")[0]
    assert "too late for reminders" in welcome.text
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="After", body="all that"))
    await live.settled(sent.id)
    row = await live.row(event)
    async with live.core.db.read_rows() as connection:
        kinds = (await connection.exec_driver_sql("SELECT kind FROM notifications WHERE event_id = ?", (row.id,))).all()
    assert {kind for (kind,) in kinds} == {"created", "welcome", "message"}


async def test_a_cancelled_event_keeps_its_reminder_to_itself(
    live: Town, worker: RunningWorker, smtp: SmtpSink
) -> None:
    event = await live.event(live.in_(hours=1, seconds=4))
    await live.follow(live.bob, event)
    await smtp.wait_for(1, 10, to="bob@example.org")
    await live.core.act(live.alice.actor, cancel_event, event.id, Cancellation())
    await smtp.wait_for(2, 10, to="bob@example.org")
    client = await worker.temporal.client()

    async def schedules() -> list[str]:
        return [found.id async for found in await client.list_schedules() if event.id in found.id]

    await until(schedules, lambda ids: not ids)
    status = await worker.temporal.event_status(event.id)
    assert status is not None
    assert status.scheduled == {}
    assert subjects(smtp, "bob@example.org")[-1] == "Launch party is cancelled"


async def test_after_an_outage_over_both_reminders_only_the_latest_goes_worded_from_the_clock(
    live: Town, worker: RunningWorker, smtp: SmtpSink
) -> None:
    event = await live.event(live.in_(days=3))
    await live.follow(live.bob, event)
    await smtp.wait_for(1, 10, to="bob@example.org")
    live.clock.shift = dt.timedelta(days=3) - dt.timedelta(minutes=20)
    assert await worker.relay.sweep() >= 1
    await smtp.wait_for(2, 10, to="bob@example.org")
    await worker.relay.sweep()
    assert subjects(smtp, "bob@example.org")[1:] == ["Launch party starts in 20 minutes"]


async def test_every_signal_twice_changes_nothing(live: Town, worker: RunningWorker, smtp: SmtpSink) -> None:
    event = await live.event(live.in_(days=3))
    row = await live.row(event)
    await live.follow(live.bob, event)
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Once", body="only"))
    for signal in (PARTICIPANT_ADDED, PARTICIPANT_REMOVED, SEND_MANUAL_NOTIFICATION) * 2:
        await worker.temporal.ring_event(row.id, event.id, signal, sent.id)
    await live.settled(sent.id)
    await until(lambda: worker.temporal.event_status(event.id), lambda found: found is not None and found.rings >= 6)
    # The welcome and the message go side by side.
    assert sorted(subjects(smtp, "bob@example.org")) == ["Once", "You'll hear about Launch party"]


async def test_temporal_away_delays_messages_and_loses_none(
    live: Town, worker: RunningWorker, smtp: SmtpSink, temporal: TemporalServer
) -> None:
    event = await live.event(live.in_(days=3))
    await smtp.wait_for(1, 10, to="alice@example.org")
    await temporal.stop()
    try:
        await live.follow(live.bob, event)
        sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Later", body="is fine"))
        found = await live.report(sent.id)
        assert (found.waiting, found.delivered) == (1, 0)
        # Longer than a call is tried for: the relay has given up at least once, and must ring again by itself.
        await until(lambda: _wait_of(worker), lambda seconds: seconds > 0.1)
    finally:
        await temporal.start()
    await live.settled(sent.id, 40)
    await smtp.wait_for(2, 20, to="bob@example.org")
    assert sorted(subjects(smtp, "bob@example.org")) == ["Later", "You'll hear about Launch party"]


async def _wait_of(worker: RunningWorker) -> float:
    return worker.relay._wait


async def test_a_schedule_service_in_trouble_does_not_hold_up_messages_and_is_asked_again(
    live: Town, worker: RunningWorker, smtp: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise TemporalAwayError("schedules are away")

    monkeypatch.setattr(activities, "_SCHEDULE_AGAIN", dt.timedelta(seconds=1))
    with monkeypatch.context() as patch:
        patch.setattr(worker.temporal, "set_reminder", refuse)
        event = await live.event(live.in_(days=3))
        await smtp.wait_for(1, 10, to="alice@example.org")
    await until(lambda: worker.temporal.event_status(event.id), lambda found: bool(found and len(found.scheduled) == 2))
