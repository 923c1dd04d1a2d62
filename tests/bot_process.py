"""A bot's role as a process of its own: started, ended, and what it says."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from cli.demo.memory import Memory

ROOT = Path(__file__).parents[1]


class Process(Memory):
    def __init__(self, role: str, data: Path, env: dict[str, str]) -> None:
        super().__init__()
        self._env = {**os.environ, "PYTHONPATH": str(ROOT), "SOONISH_DATA": str(data), **env}
        self._role, self._data = role, data
        self.log = ""

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "run", self._role,
            env=self._env, cwd=self._data, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.log += line.decode()
            self.wake()

    async def says(self, words: str) -> None:
        await self.until(lambda: words in self.log, lambda: self.log, 15)

    async def end(self, number: int = signal.SIGTERM) -> int:
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await self.wait()

    async def wait(self) -> int:
        async with asyncio.timeout(20):
            code = await self._process.wait()
            await self._reading
        return code
