"""SQLite locked by somebody else, a backup tool perhaps, in the middle of everything."""

import asyncio
import sqlite3
import time
from contextlib import closing

from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from tests.faults.test_worker_killed import crowd
from tests.people import Town
from tests.servers import WebhookSink

PEOPLE = 600
SECONDS = 5.0


async def test_a_lock_of_five_seconds_delays_commands_and_deliveries_and_loses_and_doubles_none(
    live: Town, hooks: WebhookSink
) -> None:
    event = await live.event()
    await crowd(live, (await live.row(event)).id, hooks, PEOPLE)
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Fan", body="out"))
    await hooks.wait_for(PEOPLE // 6)
    file = live.settings.soonish_data / "soonish.db"
    with closing(sqlite3.connect(file, timeout=10, isolation_level=None, check_same_thread=False)) as thief:
        # in a thread: a wait on this loop would also hold up whoever has the lock now, and wait for itself
        await asyncio.to_thread(thief.execute, "BEGIN IMMEDIATE")
        began = time.monotonic()
        follows = asyncio.create_task(live.follow(live.bob, event))
        await asyncio.wait([follows], timeout=SECONDS)
        assert not follows.done()
        assert (await live.report(sent.id)).waiting > 0  # reading never waits
        thief.execute("COMMIT")
    await follows
    assert time.monotonic() - began < SECONDS + 3
    report = await live.settled(sent.id, 30)
    assert (report.delivered, report.failed) == (PEOPLE, 0)
    assert set(hooks.counts().values()) == {1}
    assert len(hooks.counts()) == PEOPLE
