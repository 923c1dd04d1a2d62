"""Records the histories that `test_histories` replays; when and how is said there."""

import asyncio
import datetime as dt
import re
import tempfile
from pathlib import Path

from temporalio import workflow
from temporalio.client import Client, WorkflowExecution

from core.accounts.links import ask_to_register, use_link
from core.accounts.model import AskForLink
from core.contracts import EVENT_UPDATED, maintenance_id
from core.db.migrate import upgrade
from core.delivery.channels import read_channel
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange, EventView
from core.integrations.usecases import store_integration
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.settings import Settings
from core.tokens import browser_token
from core.wiring import build_core
from core.work import Actor
from tests.people import Clock, Town, people_of, until
from tests.servers import SmtpSink, TemporalServer
from worker.main import WORKFLOWS, RunningWorker, working

HISTORIES = Path(__file__).parent / "histories"
REGISTERED = sorted(workflow._Definition.must_from_class(each).name or "" for each in WORKFLOWS)
"""The workflow types that the worker serves."""
SECOND_ADDRESS = "carol.second@example.org"


async def play(town: Town, worker: RunningWorker, smtp: SmtpSink) -> None:
    """A life in which every workflow runs, and ends."""
    await _sign_up(town, smtp)
    event = await _event_with_everything(town, smtp)
    await _second_address(town, smtp)
    client = await worker.temporal.client()
    await client.get_schedule_handle(maintenance_id(worker.temporal.task_queue)).trigger()
    town.clock.shift = dt.timedelta(days=60)
    row = await town.row(event)
    await worker.temporal.ring_event(row.id, event.id, EVENT_UPDATED, row.id)


async def _sign_up(town: Town, smtp: SmtpSink) -> None:
    """Registered, verified, and signed in for three seconds."""
    visitor, address = Actor(None, "web"), "nora@example.org"
    await ask_to_register(town.core, visitor, AskForLink(email=address), browser_token(town.core.keys))
    await smtp.wait_for(1, 20, to=address)
    link = re.search(r"/in/([\w-]+)", smtp.to(address)[0].text)
    assert link
    town.clock.shift = dt.timedelta(seconds=3) - dt.timedelta(days=town.settings.session_days)
    await town.core.act(visitor, use_link, link.group(1), "Firefox")
    town.clock.shift = dt.timedelta()


async def _event_with_everything(town: Town, smtp: SmtpSink) -> EventView:
    """Created, followed, messaged, moved, reminded, cancelled."""
    event = await town.event(town.in_(hours=1, seconds=6))
    await town.follow(town.bob, event)
    await smtp.wait_for(2, 20)
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Doors", body="At six."))
    await town.settled(sent.id)
    moved = EventChange(start_date=town.in_(hours=1, seconds=4))
    await town.core.act(town.alice.actor, change_event, event.id, moved)
    await until(lambda: _subjects(smtp), lambda subjects: "Launch party starts in 1 hour" in subjects)
    await town.core.act(town.alice.actor, cancel_event, event.id, Cancellation(reason="Flood"))
    await until(lambda: _subjects(smtp), lambda subjects: "Launch party is cancelled" in subjects)
    return event


async def _second_address(town: Town, smtp: SmtpSink) -> None:
    """Its confirmation is a mail about the account; the first attempt fails, so that its workflow waits."""
    smtp.refuse(SECOND_ADDRESS, 451, "4.3.0 Try again later")
    channel = read_channel(f"mailto://{SECOND_ADDRESS}")
    await town.core.act(town.carol.actor, store_integration, channel, "Second", "second", confirmed=False)

    async def refused() -> bool:
        return bool(smtp.refused)

    await until(refused, bool)
    smtp.accept()
    await smtp.wait_for(1, 20, to=SECOND_ADDRESS)


async def _subjects(smtp: SmtpSink) -> list[str]:
    return [mail.subject for mail in smtp.mails]


async def record() -> None:
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        async with TemporalServer(Path(folder)) as temporal, SmtpSink() as smtp:
            settings = Settings(
                _env_file=None,
                soonish_data=Path(folder),
                public_base_url="http://soonish.test",
                temporal_url=temporal.address,
                smtp_server=smtp.host,
                smtp_port=smtp.port,
                reminder_lead_seconds=1,
                update_delay_seconds=0,
                retry_delays_seconds="1,1,1",
            )
            upgrade(settings.database)
            core = build_core(settings, clock=clock)
            async with working(settings, clock=clock, take_over=True) as worker:
                await play(await people_of(core, settings, clock), worker, smtp)
                client = await worker.temporal.client()
                HISTORIES.mkdir(exist_ok=True)
                for name in REGISTERED:
                    await _save(client, name)
            await core.db.close()


async def _save(client: Client, name: str) -> None:
    """Of the finished runs of that type, the one in which most happened."""
    query = f"WorkflowType = '{name}' AND ExecutionStatus = 'Completed'"

    async def finished() -> list[WorkflowExecution]:
        return [execution async for execution in client.list_workflows(query)]

    found = max(await until(finished, bool), key=lambda execution: execution.history_length)
    handle = client.get_workflow_handle(found.id, run_id=found.run_id)
    history = (await handle.fetch_history()).to_json()
    (HISTORIES / f"{name}.json").write_text(_nowhere(history) + "\n")


def _nowhere(history: str) -> str:
    """Without the name of the machine that recorded it."""
    return re.sub(r'"identity": "[^"]*"', '"identity": "recorder"', history)


if __name__ == "__main__":
    asyncio.run(record())
