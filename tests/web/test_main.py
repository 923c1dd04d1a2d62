"""The web process as it runs: over a real socket, until it is told to stop."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp

from core.settings import Settings
from tests.servers import free_port

ROOT = Path(__file__).parents[2]
PROGRAM = """
from core.settings import Settings
from web.main import serve

serve(Settings(_env_file=None), ready=lambda: print("ready", flush=True))
print("stopped in order", flush=True)
"""


async def test_it_says_when_it_serves_and_stops_in_order(settings: Settings) -> None:
    port = free_port()
    given = {"SOONISH_DATA": str(settings.soonish_data), "WEB_PORT": str(port), "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, env={**os.environ, **given}, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"ready\n"
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/api/health") as answer:
                assert (answer.status, (await answer.json())["database"]) == (200, "ok")
            async with session.head(f"http://127.0.0.1:{port}/") as answer:
                assert (answer.status, "server" in answer.headers) == (200, False)
        process.send_signal(signal.SIGTERM)
        assert await process.stdout.readline() == b"stopped in order\n"
        assert await process.wait() == 0
