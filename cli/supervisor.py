"""Runs the roles as child processes: starts them in order, starts again what dies, and leaves none behind."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli import stack
from cli.processes import NOT_AGAIN, Child, Gate, Role, write_whole
from core.db.migrate import is_current
from core.errors import SoonishError
from core.settings import Settings

TROUBLE = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b")
SHOWN_AT_ONCE = 5


def run_embedded(settings: Settings, port: int | None = None, *, verbose: bool = False) -> None:
    """The whole of Soonish, until Ctrl-C. A refusal or a failed start is a SoonishError."""
    began = time.monotonic()
    data = stack.prepare(settings)
    with stack.locked(data) as lock:
        plan = stack.plan(settings, port)
        supervisor = Supervisor(data, verbose=verbose, hold=(lock,))

        async def begin() -> None:
            once = [] if is_current(settings.database) else [plan.migrations]
            await supervisor.start(plan.services, plan.roles, once)
            stack.publish(data, plan.stack)
            for line in stack.announcement(plan, time.monotonic() - began):
                say_aloud(line)

        try:
            asyncio.run(run_until_stopped(supervisor, begin))
        finally:
            stack.withdraw(data)
    say_aloud("Soonish has stopped.")


@dataclass(frozen=True)
class Pace:
    """Seconds."""

    first: float = 0.2
    """Before the first restart; doubles up to `longest`, and starts over once a process has lived for `settled`."""
    longest: float = 10.0
    settled: float = 30.0
    patience: float = 60.0
    """For a role to become ready."""
    grace: float = 10.0
    """From SIGTERM to SIGKILL."""


class Supervisor:
    def __init__(
        self,
        data: Path,
        *,
        say: Callable[[str], None] | None = None,
        verbose: bool = False,
        pace: Pace | None = None,
        hold: Sequence[int] = (),
    ) -> None:
        """`hold` are file descriptors that children keep open: the folder's lock lasts until the last one is gone."""
        self._run = data / "run"
        self._logs = data / "logs"
        self._say = say or say_aloud
        self._verbose = verbose
        self._pace = pace or Pace()
        self._hold = hold
        self._children: dict[str, Child] = {}
        self._started: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, services: Sequence[Role], roles: Sequence[Role], once: Sequence[Role] = ()) -> None:
        """All at once; returns when all are ready, and what is in `once` has run to its end.

        `roles` load meanwhile, and use nothing before the services are ready and `once` is done. The first failure is
        raised, and `stop` is the caller's.
        """
        self._started += [role.name for role in (*services, *once, *roles)]
        gate = Gate(len(roles))

        async def prepare() -> None:
            await together([*map(self._serve, services), *map(self._finish, once)])
            gate.open()

        try:
            await together([prepare(), *(self._serve(role, gate) for role in roles)])
        finally:
            gate.close()

    async def stop(self) -> None:
        """One after the other, the last started first."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for name in reversed(self._started):
            if child := self._children.get(name):
                await child.stop(self._pace.grace)
                self._pid_file(name).unlink(missing_ok=True)

    def kill(self) -> None:
        for child in self._children.values():
            child.kill()

    async def _serve(self, role: Role, gate: Gate | None = None) -> None:
        await self._launch(role, gate)
        self._tasks += [asyncio.create_task(self._keep(role)), asyncio.create_task(self._show(role))]

    async def _finish(self, role: Role) -> None:
        child = await self._begin(role)
        code = await child.wait()
        self._pid_file(role.name).unlink(missing_ok=True)
        if code != 0:
            raise child.trouble("failed")

    async def _begin(self, role: Role, gate: Gate | None = None) -> Child:
        log = self._logs / f"{role.name}.log"
        child = await Child.start(role.name, role.argv, env=role.env, log=log, hold=self._hold, gate=gate)
        self._children[role.name] = child
        write_whole(self._pid_file(role.name), f"{child.pid}\n")
        return child

    async def _launch(self, role: Role, gate: Gate | None = None) -> None:
        child = await self._begin(role, gate)
        try:
            if gate:  # its time to become ready begins when it may: a large database takes long to bring up to date
                await child.until_ready(gate.until_open, None)
            await child.until_ready(role.ready, self._pace.patience)
        except SoonishError:
            child.kill()
            await child.wait()
            raise

    async def _keep(self, role: Role) -> None:
        """Start the role again whenever it has died, ever more slowly if it keeps dying."""
        pause = self._pace.first
        while True:
            born = time.monotonic()
            await self._children[role.name].wait()
            if time.monotonic() - born >= self._pace.settled:
                pause = self._pace.first
            child = self._children[role.name]
            if child.returncode == NOT_AGAIN:
                self._say(f"{role.name} is off until its settings are right.\n" + "\n".join(child.last_lines(3)))
                return
            trouble: SoonishError | None = child.trouble("stopped")
            while trouble:
                self._say(f"{trouble.message} It starts again in {pause:g} s. {trouble.hint or ''}")
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._pace.longest)
                trouble = await self._relaunch(role)

    async def _relaunch(self, role: Role) -> SoonishError | None:
        try:
            await self._launch(role)
        except SoonishError as error:
            return error
        self._say(f"{role.name} is running.")
        return None

    async def _show(self, role: Role) -> None:
        """New lines of the role's log: all of them if asked for, else its warnings and errors, a few at a time."""
        log, seen = self._children[role.name].log, self._children[role.name].log_start
        while True:
            lines, seen = _news(log, seen)
            shown = lines if self._verbose else [line for line in lines if TROUBLE.search(line)]
            kept = shown if self._verbose else shown[:SHOWN_AT_ONCE]
            for line in kept:
                self._say(f"{role.name}: {line}")
            if len(shown) > len(kept):
                self._say(f"{role.name}: {len(shown) - len(kept)} more in {log}")
            await asyncio.sleep(0.25)

    def _pid_file(self, name: str) -> Path:
        return self._run / f"{name}.pid"


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All at the same time; the first failure ends the others and is raised."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()


async def run_until_stopped(supervisor: Supervisor, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Begin, wait for Ctrl-C or SIGTERM, stop in order; a second signal kills at once.

    What `begin` raises ends the stack too, and is raised again.
    """
    told = asyncio.Event()

    def on_signal() -> None:
        if told.is_set():
            supervisor.kill()
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    starting, stopping = asyncio.create_task(begin()), asyncio.create_task(told.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not told.is_set():
            starting.result()
            await stopping
    finally:
        told.set()
        starting.cancel()
        stopping.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
        await supervisor.stop()


def say_aloud(line: str) -> None:
    """To the terminal, as long as there is one."""
    with suppress(OSError):
        print(line, flush=True)  # noqa: T201 - the supervisor's own voice


def _news(log: Path, seen: int) -> tuple[list[str], int]:
    """The whole lines after byte `seen`, and how far they reach."""
    with suppress(FileNotFoundError), log.open("rb") as file:
        seen = seen if file.seek(0, os.SEEK_END) >= seen else 0  # a restart has begun a new file
        file.seek(seen)
        whole, newline, _ = file.read().rpartition(b"\n")
        return whole.decode(errors="replace").splitlines(), seen + len(whole) + len(newline)
    return [], seen
