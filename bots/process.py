"""What a bot's process is, whatever its platform: it serves until it is told to stop, or waiting mends nothing."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import uvloop

from core.errors import SoonishError


class NotAllowedError(SoonishError):
    """Nothing that waiting would mend."""


def run_until_stopped(serving: Coroutine[Any, Any, None]) -> None:
    """Until SIGTERM or SIGINT, or until it ends by itself."""
    uvloop.run(_run(serving))


async def _run(serving: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(serving)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
