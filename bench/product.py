"""The whole product as its users run it, on fresh data, and the sink it delivers to."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from cli.processes import free_port
from core.accounts.users import vouch
from core.operations.seed import seed
from core.settings import Settings
from core.wiring import build_core
from core.work import Actor

QUIET_SECONDS = 10.0
"""Without an arrival; longer than the longest wait between two attempts of the embedded stack, which is 8."""
STUCK_SECONDS = 100.0
"""The same while some are still missing; longer than a lease and the sweeper's patience together."""
_OPERATOR = Actor(None, "cli")


@dataclass(frozen=True, slots=True)
class Sink:
    http: int
    smtp: int
    session: aiohttp.ClientSession

    async def stats(self) -> dict[str, Any]:
        async with self.session.get(f"http://127.0.0.1:{self.http}/stats") as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def reset(self) -> None:
        async with self.session.get(f"http://127.0.0.1:{self.http}/reset"):
            return

    async def until(self, arrived: int, seconds: float = 60.0) -> dict[str, Any]:
        """When at least that many have arrived, doubled ones too."""
        async with asyncio.timeout(seconds):
            while (found := await self.stats())["count"] < arrived:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return found

    async def quiet(self, different: int, quiet: float = QUIET_SECONDS, stuck: float = STUCK_SECONDS) -> dict[str, Any]:
        """When nothing comes any more: so late doubles are counted, and what never comes is not waited for."""
        began = time.time()
        while True:
            found = await self.stats()
            patience = quiet if found["different"] >= different else stuck
            if time.time() - (found["last"] or began) > patience:
                return found
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.sink", stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    ports = json.loads(await process.stdout.readline())
    async with aiohttp.ClientSession() as session:
        try:
            yield Sink(ports["http"], ports["smtp"], session)
        finally:
            process.terminate()
            await process.wait()


@dataclass(slots=True)
class Product:
    """A running stack with an organizer's token."""

    url: str
    settings: Settings
    token: str
    session: aiohttp.ClientSession
    stack: "_Stack"

    async def call(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.request(method, self.url + path, json=body, headers=headers) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def event(self, start: dt.datetime | None = None) -> str:
        start = start or dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
        created = await self.call("POST", "/api/events", {"name": "Measured", "start_date": start.isoformat()})
        return str(created["id"])

    async def followed_at(self, start: dt.datetime, to: str) -> None:
        """A new event at that time, with one subscriber."""
        await self._seed(await self.event(start), 1, to)

    async def _seed(self, event_id: str, count: int, to: str) -> None:
        core = build_core(self.settings)
        await seed(core, _OPERATOR, event_id, count, to, lambda *_: None)
        await core.db.close()

    async def followed_by(self, count: int, to: str) -> str:
        """A new event with that many subscribers."""
        event_id = await self.event()
        await self._seed(event_id, count, to)
        # Openings are read again once a second.
        await asyncio.sleep(1.2)
        return event_id

    async def notify(self, event_id: str) -> tuple[int, float]:
        """Send a message to everybody. Its id, and the time just before it was asked for."""
        began = time.time()
        accepted = await self.call("POST", f"/api/events/{event_id}/notify", {"title": "Doors", "body": "Open at six."})
        return int(accepted["id"]), began

    def pid(self, role: str) -> int:
        return int((self.settings.soonish_data / "run" / f"{role}.pid").read_text())

    async def killed_and_started_again(self) -> None:
        """The supervisor, with -9; every role it started ends by itself."""
        await self.stack.kill()
        await self.stack.start()

    def role_memory(self, role: str) -> float:
        """Resident MB of a role's process."""
        for line in Path(f"/proc/{self.pid(role)}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0


class _Stack:
    """`soonish run`, and what it takes to start it once more."""

    def __init__(self, port: int, environment: dict[str, str]) -> None:
        self._port, self._environment = port, environment

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "run", "--port", str(self._port),
            env={**os.environ, **self._environment}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        await _ready(self._process)

    async def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        await self._process.communicate()

    async def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        await self._process.communicate()


@contextlib.asynccontextmanager
async def product(smtp_port: int, **environment: str) -> AsyncIterator[Product]:
    """`soonish run` on fresh data, with mail going to the sink."""
    with tempfile.TemporaryDirectory(prefix="soonish-bench-") as folder:
        port = free_port()
        env = {"SOONISH_DATA": folder, "SMTP_SERVER": "127.0.0.1", "SMTP_PORT": str(smtp_port), **environment}
        stack = _Stack(port, env)
        await stack.start()
        try:
            settings = Settings(_env_file=None, soonish_data=Path(folder))
            core = build_core(settings)
            issued = await core.act(_OPERATOR, vouch, "bench@example.org", display_name="Bench")
            await core.db.close()
            async with aiohttp.ClientSession() as session:
                yield Product(f"http://127.0.0.1:{port}", settings, issued.token, session, stack)
        finally:
            await stack.stop()


async def _ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    seen = b""
    async with asyncio.timeout(60):
        while b"ready" not in seen:
            line = await process.stdout.readline()
            if not line:
                raise SystemExit(f"the stack did not start:\n{seen.decode()}")
            seen += line
