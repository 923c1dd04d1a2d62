"""Temporal's database put back to an earlier moment, as after a disk failure: what it forgot happens all the same."""

import shutil
from collections import Counter
from pathlib import Path

from core.events.changes import change_event
from core.events.model import EventChange
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.operations.ring import ring_all
from tests.conftest import MakeSettings
from tests.people import OPERATOR, Clock, Town, until
from tests.servers import SmtpSink, TemporalServer
from worker.main import RunningWorker, working


async def test_a_temporal_put_back_to_an_earlier_moment_loses_and_doubles_nothing(
    make_settings: MakeSettings, town: Town, smtp: SmtpSink, clock: Clock, tmp_path: Path
) -> None:
    kept, now = tmp_path / "earlier", tmp_path / "temporal"
    async with TemporalServer(now) as temporal:
        settings = make_settings(temporal_url=temporal.address, smtp_server=smtp.host, smtp_port=smtp.port)
        async with working(settings, clock=clock) as worker:
            known = await town.event(town.in_(hours=1, minutes=10), name="Known")
            await town.follow(town.bob, known)
            await smtp.wait_for(2)
            await _at_rest(worker, known.id)
            await temporal.stop()
            shutil.copytree(now, kept)
            await temporal.start()
            new = await town.event(town.in_(hours=1, seconds=14), name="New")
            await town.follow(town.bob, new)
            moved = EventChange(start_date=town.in_(hours=1, seconds=15), notify=False)
            await town.core.act(town.alice.actor, change_event, known.id, moved)
            sent = await town.core.act(town.alice.actor, send_message, new.id, NewMessage(title="Once", body="only"))
            await town.settled(sent.id)
            await _at_rest(worker, new.id)

        # A worker keeps runs in memory as the lost Temporal knew them: it is started again, as the guide says.
        await temporal.stop()
        shutil.rmtree(now)
        shutil.copytree(kept, now)
        await temporal.start()
        async with working(settings, clock=clock, take_over=True):
            assert await town.core.act(OPERATOR, ring_all) >= 2
            await until(lambda: _subjects(smtp), lambda seen: sum("starts in 1 hour" in each for each in seen) == 2)
            after = await town.core.act(town.alice.actor, send_message, known.id, NewMessage(title="Last", body="one"))
            await town.settled(after.id)
    subjects = Counter(await _subjects(smtp))
    assert {"New starts in 1 hour", "Known starts in 1 hour"} < set(subjects)
    assert set(subjects.values()) == {1}, subjects


async def _at_rest(worker: RunningWorker, event_id: str) -> None:
    """What runs at the moment that Temporal is put back to is tried again a minute later: too long for a test."""
    await until(
        lambda: worker.temporal.event_status(event_id),
        lambda found: bool(found and found.scheduled and not found.sending and found.wake_at),
    )


async def _subjects(smtp: SmtpSink) -> list[str]:
    return [mail.subject for mail in smtp.to("bob@example.org")]
