"""One message carried by one worker process and by two, on the same PostgreSQL, one after the other."""

import asyncio
import contextlib
import datetime as dt
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bench.product import Sink
from cli.embedded import TemporalServer
from cli.processes import READY_FD
from core.accounts.users import vouch
from core.db.migrate import upgrade
from core.events.model import NewEvent
from core.events.usecases import create_event
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.operations.seed import seed
from core.settings import Settings
from core.wiring import build_core
from core.work import Actor, Core
from tests.postgres import Postgres

_OPERATOR = Actor(None, "cli")


async def carried_by(workers: int, far: Sink, people: int) -> tuple[dict[str, Any], float]:
    """What arrived, and the seconds from just before the message was asked for to the last different arrival."""
    with tempfile.TemporaryDirectory(prefix="soonish-bench-") as folder, Postgres() as postgres:
        url = postgres.create("soonish")
        await asyncio.to_thread(upgrade, url)
        async with TemporalServer(Path(folder) / "temporal") as temporal:
            settings = Settings(
                _env_file=None, soonish_data=Path(folder), database_url=url, temporal_url=temporal.address
            )
            core = build_core(settings)
            event_id = await _event(core, people, far)
            async with _running(workers, settings):
                await far.reset()
                began = time.time()
                await _send(core, event_id)
                found = await far.quiet(people)
            await core.db.close()
    return found, float(found["last_new"] or time.time()) - began


async def _event(core: Core, people: int, far: Sink) -> str:
    issued = await core.act(_OPERATOR, vouch, "bench@example.org", display_name="Bench")
    start = core.clock.now() + dt.timedelta(days=3)
    event = await core.act(Actor(issued.user_id, "api"), create_event, NewEvent(name="Measured", start_date=start))
    await seed(core, _OPERATOR, event.id, people, f"json://127.0.0.1:{far.http}/hook/{{n}}", lambda *_: None)
    return event.id


async def _send(core: Core, event_id: str) -> None:
    await core.act(Actor(1, "api"), send_message, event_id, NewMessage(title="Doors", body="Open at six."))


@contextlib.asynccontextmanager
async def _running(workers: int, settings: Settings) -> AsyncIterator[None]:
    """Worker processes, each ready to take work."""
    given = {
        "SOONISH_DATA": str(settings.soonish_data),
        "DATABASE_URL": settings.database,
        "TEMPORAL_URL": settings.temporal_url,
    }
    started: list[asyncio.subprocess.Process] = []
    try:
        for _ in range(workers):
            heard, told = os.pipe()
            started.append(
                await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "cli", "run", "worker",
                    env={**os.environ, **given, READY_FD: str(told)}, pass_fds=(told,),
                    stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
                )
            )  # fmt: skip
            os.close(told)
            ready = await asyncio.to_thread(os.read, heard, 1)
            os.close(heard)
            if not ready:
                raise SystemExit("a worker did not start")
        yield
    finally:
        for process in started:
            process.terminate()
        await asyncio.gather(*(process.wait() for process in started))
