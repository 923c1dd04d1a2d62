"""Clocks that are set anew, zones that change their rules, and an event that is over while a message about it runs."""

import datetime as dt
import zoneinfo
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from core.events.changes import change_event
from core.events.model import EventChange
from core.events.usecases import get_event
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.times import say_clock
from tests.core.look import notifications
from tests.faults.test_worker_killed import crowd
from tests.people import Town, until
from tests.servers import SmtpSink, WebhookSink
from worker.main import RunningWorker

PEOPLE = 200
ZONE = "Europe/Berlin"


async def test_a_clock_that_leaps_an_hour_and_back_reminds_once(
    live: Town, worker: RunningWorker, smtp: SmtpSink
) -> None:
    start = live.in_(hours=1, seconds=8)
    event = await live.event(start)
    await live.follow(live.bob, event)
    await smtp.wait_for(1, 10, to="bob@example.org")
    live.clock.shift = dt.timedelta(hours=1)
    await worker.relay.sweep()
    await smtp.wait_for(2, 10, to="bob@example.org")
    live.clock.shift = dt.timedelta(0)

    async def now() -> dt.datetime:
        return live.clock.now()

    # Its schedule fires all the same, at the instant that the world's clock says.
    await until(now, lambda found: found > start - dt.timedelta(minutes=59, seconds=58))
    await worker.relay.sweep()
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="After", body="all that"))
    await live.settled(sent.id)
    await smtp.wait_for(3, 10, to="bob@example.org")
    reminders = [mail.subject for mail in smtp.to("bob@example.org") if "Launch party starts" in mail.subject]
    assert len(reminders) == 1, reminders


@pytest.fixture
def new_rules(tmp_path: Path) -> Iterator[Path]:
    """Zone data in which Berlin keeps Tokyo's time, for as long as this test runs."""
    tokyo = resources.files("tzdata") / "zoneinfo" / "Asia" / "Tokyo"
    folder = tmp_path / "zones"
    (folder / "Europe").mkdir(parents=True)
    (folder / ZONE).write_bytes(tokyo.read_bytes())
    yield folder
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache(only_keys=[ZONE])


async def test_new_zone_data_moves_no_event_and_tells_nobody_that_it_moved(town: Town, new_rules: Path) -> None:
    start = dt.datetime(town.clock.now().year + 1, 7, 1, 17, 0, tzinfo=dt.UTC)
    event = await town.event(start, timezone=ZONE)
    await town.follow(town.bob, event)
    assert say_clock(event.start_date, event.timezone) == "19:00"
    zoneinfo.reset_tzpath([str(new_rules)])
    zoneinfo.ZoneInfo.clear_cache(only_keys=[ZONE])
    change = EventChange(description="The same evening", notify=False)
    await town.core.act(town.alice.actor, change_event, event.id, change)
    found = await town.core.ask(town.bob.actor, get_event, event.id)
    assert found.start_date == start
    assert say_clock(found.start_date, found.timezone) == "02:00"
    assert {row.kind for row in await notifications(town, event)} == {"created", "welcome"}


async def test_an_event_that_is_over_while_a_message_runs_still_tells_everybody(live: Town, hooks: WebhookSink) -> None:
    event = await live.event(live.in_(seconds=3), end_date=live.in_(seconds=4))
    await crowd(live, (await live.row(event)).id, hooks, PEOPLE)
    hooks.answer(delay=0.4)
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Thanks", body="for coming"))

    async def status() -> str:
        return (await live.core.ask(live.alice.actor, get_event, event.id)).status

    await until(status, lambda found: found == "ended")
    assert 0 < len(hooks.requests) < PEOPLE
    report = await live.settled(sent.id)
    assert (report.delivered, report.failed, report.skipped) == (PEOPLE, 0, 0)
    assert set(hooks.counts().values()) == {1}
