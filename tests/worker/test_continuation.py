"""A workflow that goes on in a fresh run, because its history is long or the release is new, loses and doubles nothing.

The Temporal server of these tests suggests a fresh run after some hundred events instead of four thousand.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select
from temporalio.client import WorkflowExecution, WorkflowExecutionStatus

from core.contracts import (
    PARTICIPANT_ADDED,
    EventStatus,
    SendReport,
    event_workflow_id,
    notification_workflow_id,
    reminder_schedule_id,
)
from core.db.models import Notification
from core.delivery.channels import read_channel
from core.events.changes import change_event
from core.events.model import EventChange, EventView
from core.integrations.usecases import store_integration
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.settings import Settings
from core.temporal import Temporal
from tests.core.look import notifications, rows
from tests.faults.test_worker_killed import crowd
from tests.people import Clock, Town, people_of, until
from tests.servers import SmtpSink, TemporalServer, WebhookSink
from worker import activities
from worker.main import RunningWorker, working

LONG = 120
"""Events after which the server suggests a fresh run; one ring makes about nine."""
PEOPLE = 120


class Forgetful(TemporalServer):
    """The real server, with a short idea of what a long history is."""

    def argv(self) -> list[str]:
        return [*super().argv(), "--dynamic-config-value", f"limit.historyCount.suggestContinueAsNew={LONG}"]


@pytest.fixture(scope="module")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TemporalServer]:
    """In place of the session's: everything that these tests start runs on this one."""
    async with Forgetful(tmp_path_factory.mktemp("forgetful")) as server:
        yield server


async def runs(temporal: Temporal, workflow_id: str) -> list[WorkflowExecution]:
    """Of that workflow, the oldest first."""
    client = await temporal.client()
    found = [execution async for execution in client.list_workflows(f"WorkflowId = '{workflow_id}'")]
    return sorted(found, key=lambda execution: execution.start_time)


async def went_on(temporal: Temporal, workflow_id: str, times: int = 1) -> list[WorkflowExecution]:
    """Once it has gone on at least that often; all its runs but the last ended by going on. The list that Temporal
    searches comes a little after what it lists."""

    def ended(found: list[WorkflowExecution]) -> bool:
        return all(each.status != WorkflowExecutionStatus.RUNNING for each in found[:-1])

    found = await until(lambda: runs(temporal, workflow_id), lambda found: len(found) > times and ended(found))
    assert {each.status for each in found[:-1]} == {WorkflowExecutionStatus.CONTINUED_AS_NEW}
    return found


async def ring(worker: RunningWorker, event: EventView, row_id: int, times: int) -> None:
    """One after the other, each once the one before was heard."""
    for _ in range(times):
        await worker.temporal.ring_event(row_id, event.id, PARTICIPANT_ADDED, row_id)
        await status_of(worker, event)


async def status_of(worker: RunningWorker, event: EventView) -> EventStatus:
    found = await worker.temporal.event_status(event.id)
    assert found is not None
    return found


async def say(town: Town, event: EventView, title: str) -> int:
    return (await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title=title, body="x"))).id


async def refusals(smtp: SmtpSink, address: str) -> int:
    return smtp.refused[address]


def subjects(smtp: SmtpSink) -> list[str]:
    return [mail.subject for mail in smtp.to("bob@example.org")]


async def test_what_is_rung_while_a_long_history_ends_is_heard_and_nothing_comes_twice(
    live: Town, worker: RunningWorker, smtp: SmtpSink
) -> None:
    event = await live.event(live.in_(days=3))
    await live.follow(live.bob, event)
    row = await live.row(event)
    titles: list[str] = []
    # How many rings make a history long depends on how many of them one task hears.
    while len(await runs(worker.temporal, event_workflow_id(event.id))) <= 3:
        assert len(titles) < 60
        titles.append(f"News {len(titles)}")
        # The relay's ring and these come at any moment: before a run's end, during it, and before the next run's start.
        sent, _ = await asyncio.gather(say(live, event, titles[-1]), ring(worker, event, row.id, 3))
        await live.settled(sent)
    await went_on(worker.temporal, event_workflow_id(event.id), 3)
    assert sorted(subjects(smtp)) == sorted([*titles, "You'll hear about Launch party"])
    status = await until(lambda: status_of(worker, event), lambda found: found.subscribers == 1)
    assert (status.sending, sorted(status.scheduled)) == ([], ["reminder_1day", "reminder_1hour"])


async def test_a_message_on_its_way_is_sent_to_the_end_before_the_fresh_run_and_reaches_each_once(
    live: Town, worker: RunningWorker, hooks: WebhookSink
) -> None:
    hooks.answer(delay=0.5)
    event = await live.event(live.in_(days=3))
    row = await live.row(event)
    await crowd(live, row.id, hooks, PEOPLE)
    sent = await say(live, event, "Doors")
    await hooks.wait_for(10)
    await ring(worker, event, row.id, 16)
    assert len(hooks.requests) < PEOPLE
    assert (await status_of(worker, event)).sending == [sent]
    hooks.answer()
    found = await live.settled(sent, 10)
    await went_on(worker.temporal, event_workflow_id(event.id))
    assert (found.delivered, found.failed, found.skipped) == (PEOPLE, 0, 0)
    assert hooks.counts() == {f"/{number}": 1 for number in range(PEOPLE)}


async def test_a_reminder_whose_schedule_an_earlier_run_set_comes_once_at_its_instant(
    live: Town, worker: RunningWorker, smtp: SmtpSink
) -> None:
    start = live.in_(hours=1, seconds=6)
    event = await live.event(start)
    await live.follow(live.bob, event)
    await until(lambda: worker.temporal.event_status(event.id), lambda found: bool(found and found.scheduled))
    client = await worker.temporal.client()
    schedule = client.get_schedule_handle(reminder_schedule_id(event.id, "reminder_1hour"))
    await ring(worker, event, (await live.row(event)).id, 16)
    await went_on(worker.temporal, event_workflow_id(event.id))
    described = await schedule.describe()
    # Known to the fresh run and left alone: not set anew.
    assert (described.info.num_actions, described.info.last_updated_at) == (0, None)
    await smtp.wait_for(2, 20, to="bob@example.org")
    late = live.clock.now() - (start - dt.timedelta(hours=1))
    assert dt.timedelta(0) <= late < dt.timedelta(seconds=2)
    sent = await say(live, event, "After")
    await live.settled(sent)
    assert subjects(smtp)[1:] == ["Launch party starts in 1 hour", "After"]


async def test_a_fresh_run_drops_the_schedules_of_the_one_before_when_the_event_moves(
    live: Town, worker: RunningWorker
) -> None:
    event = await live.event(live.in_(days=3))
    await ring(worker, event, (await live.row(event)).id, 16)
    await went_on(worker.temporal, event_workflow_id(event.id))
    await live.core.act(live.alice.actor, change_event, event.id, EventChange(start_date=live.in_(minutes=30)))
    client = await worker.temporal.client()

    async def schedules() -> list[str]:
        return [found.id async for found in await client.list_schedules() if event.id in found.id]

    await until(schedules, lambda ids: not ids)
    assert (await status_of(worker, event)).scheduled == {}


async def test_after_a_release_an_event_goes_on_once_in_a_fresh_run_and_nothing_is_sent_anew(
    live: Town, worker: RunningWorker, smtp: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await live.event(live.in_(days=3))
    workflow_id = event_workflow_id(event.id)
    await live.follow(live.bob, event)
    await live.settled(await say(live, event, "Before"))
    before = await until(lambda: status_of(worker, event), lambda status: len(status.scheduled) == 2)
    assert len(await runs(worker.temporal, workflow_id)) == 1
    monkeypatch.setattr(activities, "RELEASE", "the next")
    await live.settled(await say(live, event, "Meanwhile"))
    await went_on(worker.temporal, workflow_id)
    await live.settled(await say(live, event, "After"))
    await ring(worker, event, (await live.row(event)).id, 2)
    assert len(await runs(worker.temporal, workflow_id)) == 2
    found = await until(lambda: status_of(worker, event), lambda status: status.subscribers == 1)
    assert (found.sending, found.scheduled) == ([], before.scheduled)
    # The welcome and the first message go side by side: either may arrive first.
    welcome = "You'll hear about Launch party"
    assert subjects(smtp).count(welcome) == 1
    assert [subject for subject in subjects(smtp) if subject != welcome] == ["Before", "Meanwhile", "After"]


async def test_an_event_that_is_over_ends_although_its_last_send_reports_late(
    live: Town, worker: RunningWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await live.event(live.in_(hours=2))
    await live.settled((await notifications(live, event))[0].id)
    deliver, reported, may_report = worker.courier.deliver, asyncio.Event(), asyncio.Event()

    async def late(notification_id: int) -> SendReport:
        report = await deliver(notification_id)
        reported.set()
        await may_report.wait()
        return report

    monkeypatch.setattr(worker.courier, "deliver", late)
    await live.follow(live.bob, event)
    await reported.wait()
    row = await live.row(event)
    live.clock.shift = dt.timedelta(days=60)
    await ring(worker, event, row.id, 1)
    await until(lambda: live.row(event), lambda found: found.status == "ended")
    may_report.set()

    async def ended() -> bool:
        return (await runs(worker.temporal, event_workflow_id(event.id)))[-1].close_time is not None

    await until(ended, bool)


async def test_a_mail_about_an_account_waits_for_its_next_attempt_in_the_fresh_run_and_is_sent_once(
    live_settings: Settings, clock: Clock, smtp: SmtpSink
) -> None:
    address = "carol.second@example.org"
    smtp.refuse(address, 451, "4.3.0 Try again later")
    settings = live_settings.model_copy(update={"retry_delays_seconds": [600]})
    async with working(settings, clock=clock) as worker:
        town = await people_of(worker.core, settings, clock)
        channel = read_channel(f"mailto://{address}")
        await town.core.act(town.carol.actor, store_integration, channel, "Second", "second", confirmed=False)
        (mail,) = await rows(town.core, select(Notification))
        client = await worker.temporal.client()
        its = client.get_workflow_handle(notification_workflow_id(worker.temporal.task_queue, mail.id))

        await until(lambda: refusals(smtp, address), bool)
        async with asyncio.timeout(30):
            while len(await runs(worker.temporal, its.id)) < 2:
                await worker.temporal.ring_notification(mail.id)
        await went_on(worker.temporal, its.id)
        assert smtp.refused[address] == 1
        smtp.accept()
        clock.shift = dt.timedelta(seconds=601)
        await worker.temporal.ring_notification(mail.id)
        await its.result()
        assert len(smtp.to(address)) == 1
