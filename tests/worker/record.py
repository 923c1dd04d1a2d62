"""Records the histories that `test_histories` replays: `python -m tests.worker.record`, after a wanted change only."""

import asyncio
import datetime as dt
import re
import tempfile
from pathlib import Path

from temporalio.client import Client, WorkflowHandle

from core.accounts.links import ask_to_register, use_link
from core.accounts.model import AskForLink
from core.db.migrate import upgrade
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.settings import Settings
from core.tokens import browser_token
from core.wiring import build_core
from core.work import Actor
from tests.people import Clock, Town, people_of, until
from tests.servers import SmtpSink, TemporalServer
from worker.main import working

HISTORIES = Path(__file__).parent / "histories"


async def play(town: Town, smtp: SmtpSink) -> list[str]:
    """A whole life: created, followed, messaged, moved, reminded, cancelled. The ids of the workflows it ran."""
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
    town.clock.shift = dt.timedelta(days=60)
    return [f"event-{event.id}"]


async def _subjects(smtp: SmtpSink) -> list[str]:
    return [mail.subject for mail in smtp.mails]


async def sign_up(town: Town, smtp: SmtpSink) -> None:
    """Registered, verified, and signed in for three seconds."""
    visitor = Actor(None, "web")
    await ask_to_register(town.core, visitor, AskForLink(email="nora@example.org"), browser_token(town.core.keys))
    await smtp.wait_for(1, 20, to="nora@example.org")
    link = re.search(r"/in/([\w-]+)", smtp.to("nora@example.org")[0].text)
    assert link
    town.clock.shift = dt.timedelta(seconds=3) - dt.timedelta(days=town.settings.session_days)
    await town.core.act(visitor, use_link, link.group(1), "Firefox")
    town.clock.shift = dt.timedelta()


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
            )
            upgrade(settings.database)
            core = build_core(settings, clock=clock)
            async with working(settings, clock=clock, take_over=True) as worker:
                town = await people_of(core, settings, clock)
                client = await worker.temporal.client()
                await sign_up(town, smtp)
                await until(lambda: _finished(client), lambda count: count >= 2)
                ids = await play(town, smtp)
                await worker.temporal.ring_event(1, ids[0].removeprefix("event-"), "event_updated", 1)
                await client.get_workflow_handle(ids[0]).result()
                await _save(client, ids[0])
            await core.db.close()


async def _finished(client: Client) -> int:
    """How many of the workflows of accounts and sessions have ended."""
    kinds = "WorkflowType IN ('UserVerificationWorkflow', 'SessionManagementWorkflow')"
    return len([run async for run in client.list_workflows(f"{kinds} AND ExecutionStatus = 'Completed'")])


async def _save(client: Client, event_workflow: str) -> None:
    HISTORIES.mkdir(exist_ok=True)
    for name, query in {
        "event": f"WorkflowId = '{event_workflow}'",
        "verification": "WorkflowType = 'UserVerificationWorkflow'",
        "session": "WorkflowType = 'SessionManagementWorkflow'",
        "reminder": "WorkflowType = 'ReminderWorkflow' AND ExecutionStatus = 'Completed'",
    }.items():
        found = [execution async for execution in client.list_workflows(query)]
        handle: WorkflowHandle[object, object] = client.get_workflow_handle(found[0].id, run_id=found[0].run_id)
        (HISTORIES / f"{name}.json").write_text((await handle.fetch_history()).to_json() + "\n")


if __name__ == "__main__":
    asyncio.run(record())
