"""What an event owes: its reminders, once for a start, and what the sweeper finds."""

import datetime as dt

import pytest

from core.events.duties import event_duties, make_reminder, neglected
from core.limits import HOUR
from core.work import SYSTEM, Core
from tests.core.look import deliveries, statements
from tests.core.steps import edit
from tests.people import Town

pytestmark = pytest.mark.both_databases


async def test_a_moved_event_withdraws_queued_reminders(town: Town) -> None:
    event = await town.event(town.in_(hours=2))
    await town.follow(town.bob, event)
    town.clock.shift = HOUR
    row = await town.row(event)
    start = int(event.start_date.timestamp())
    reminder = await town.core.step(make_reminder, row.id, "reminder_1hour", start)
    assert reminder is not None
    await edit(town, event, start_date=town.in_(days=9))
    assert [(each.status, each.code) for each in await deliveries(town.core, reminder)] == [("skipped", "superseded")]
    assert await town.core.step(make_reminder, row.id, "reminder_1hour", start) is None


async def test_a_reminder_is_made_once_for_a_start_and_never_after_it(town: Town) -> None:
    event = await town.event(town.in_(hours=2))
    row, start = await town.row(event), int(event.start_date.timestamp())
    town.clock.shift = HOUR
    first = await town.core.step(make_reminder, row.id, "reminder_1hour", start)
    assert first is not None
    assert await town.core.step(make_reminder, row.id, "reminder_1hour", start) == first
    assert await town.core.step(make_reminder, row.id, "reminder_1hour", start + 1) is None
    town.clock.shift = 2 * HOUR
    assert await town.core.step(make_reminder, row.id, "reminder_1hour", start) is None


async def test_when_both_schedules_catch_up_after_an_outage_the_later_reminder_alone_is_made(town: Town) -> None:
    event = await town.event(town.in_(days=3))
    row, start = await town.row(event), int(event.start_date.timestamp())
    town.clock.shift = dt.timedelta(days=3) - dt.timedelta(minutes=20)
    assert await town.core.step(make_reminder, row.id, "reminder_1day", start) is None
    assert await town.core.step(make_reminder, row.id, "reminder_1hour", start) is not None


async def test_the_sweeper_finds_missed_reminders_in_one_look_however_many_events_there_are(town: Town) -> None:
    ids = {(await town.row(await town.event(town.in_(days=2, seconds=n)))).id for n in range(6)}
    town.clock.shift = dt.timedelta(days=1, hours=12)
    with statements(town.core) as seen:
        events, _ = await town.core.ask(SYSTEM, neglected)
    assert events == ids
    assert len(seen) <= 5


async def test_duties_end_with_the_grace_and_an_ended_event_says_so(town: Town) -> None:
    event = await town.event(town.in_(hours=1))
    row = await town.row(event)
    town.clock.shift = dt.timedelta(hours=3)
    found = await town.core.step(event_duties, row.id)
    assert found is not None
    assert (found.over, found.ahead, found.late) == (False, [], None)
    assert (await town.row(event)).status == "ended"
    assert await town.core.step(event_duties, 999) is None


async def test_a_core_without_events_has_nothing_neglected(core: Core) -> None:
    assert await core.ask(SYSTEM, neglected) == (set(), set())
