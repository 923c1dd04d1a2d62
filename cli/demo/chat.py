"""`soonish demo --chat`: the conversation as it appears in a channel, between the real product and a small server that
plays the platform. Everything happens in a folder that is gone afterwards."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from cli.demo.on_discord import talk_on_discord
from cli.demo.on_slack import talk_on_slack
from cli.demo.stage import Say, Stage
from cli.processes import dies_with_parent, free_port
from cli.stack import ROOT
from core.errors import Code, SoonishError

_PATIENCE = 60.0
_KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")
"""Of the environment: nothing of the person's own Soonish is touched."""


Launch = Callable[[dict[str, str]], AbstractAsyncContextManager[Path]]
PLATFORMS: dict[str, Callable[[Stage, Launch], Awaitable[None]]] = {
    "discord": talk_on_discord,
    "slack": talk_on_slack,
}


async def play_chat(say: Say, platform: str) -> bool:
    """Whether every promise was kept."""
    stage = Stage(say)
    try:
        await PLATFORMS[platform](stage, launch)
    except (SoonishError, TimeoutError, AssertionError) as error:
        stage.promise(f"The story could not go on: {error}", ok=False)
    return stage.end()


@asynccontextmanager
async def launch(env: dict[str, str]) -> AsyncIterator[Path]:
    """`soonish run` with these settings, ready; its data folder."""
    with tempfile.TemporaryDirectory(prefix="soonish-demo-") as folder:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "run", "--port", str(free_port()),
            env={**kept, "PYTHONPATH": str(ROOT), "SOONISH_DATA": folder, **env},
            cwd=folder, stdout=asyncio.subprocess.PIPE, preexec_fn=dies_with_parent(),
        )  # fmt: skip
        try:
            await _ready(process)
            yield Path(folder)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
            await process.communicate()


async def _ready(process: asyncio.subprocess.Process) -> None:
    said = ""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    async with asyncio.timeout(_PATIENCE):
        async for line in process.stdout:
            said += line.decode()
            if "is ready" in said:
                return
    raise SoonishError(Code.UNAVAILABLE, f"The stack did not start: {said}")
