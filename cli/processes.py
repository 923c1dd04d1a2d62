"""Child processes: they die with their parent, say when they are ready, and log to a file."""

import asyncio
import ctypes
import os
import random
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Self

from core.errors import Code, SoonishError

READY_FD = "SOONISH_READY_FD"
GATE_FD = "SOONISH_GATE_FD"
NOT_AGAIN = 78
"""What a role ends with where starting it again would change nothing: it is set up wrongly."""
LOG_LIMIT = 10 * 1024 * 1024
PR_SET_PDEATHSIG = 1


def signal_ready() -> None:
    """A role's main calls this once it serves. It tells the supervisor through a pipe; without one it does nothing."""
    fd = os.environ.pop(READY_FD, None)
    if fd is not None:
        with suppress(OSError):
            os.write(int(fd), b"\n")
            os.close(int(fd))


def wait_at_gate() -> None:
    """A role's main calls this once it has loaded, before it opens anything. Without a gate it does nothing.

    Exits if the gate goes away unopened: the start has failed.
    """
    fd = os.environ.pop(GATE_FD, None)
    if fd is not None:
        opened = os.read(int(fd), 1)
        os.close(int(fd))
        if not opened:
            sys.exit("The start ended before this role's turn came.")


class Gate:
    """Lets roles load while what they need is still starting, because loading is most of their own start.

    A pipe. Each role that waits reads a byte; its end means that nobody will open it any more.
    """

    def __init__(self, waiting: int) -> None:
        self.fd, self._told = os.pipe()
        self._waiting = waiting
        self._opened = asyncio.Event()

    def open(self) -> None:
        os.write(self._told, b"\n" * self._waiting)
        self._opened.set()

    async def until_open(self, _child: "Child") -> None:
        await self._opened.wait()

    def close(self) -> None:
        os.close(self._told)
        os.close(self.fd)


class Child:
    """A running child process. `returncode` is None while it lives; its own lines of the log begin at `log_start`."""

    def __init__(
        self, name: str, process: asyncio.subprocess.Process, log: Path, log_start: int, ready_fd: int
    ) -> None:
        self.name = name
        self.log = log
        self._process = process
        self.log_start = log_start
        self._ready_fd: int | None = ready_fd

    @classmethod
    async def start(
        cls,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        hold: Sequence[int] = (),
        gate: Gate | None = None,
    ) -> Self:
        """Start `argv` with `env` on top of our own environment; it keeps the file descriptors in `hold` open."""
        rotate(log)
        waits = {} if gate is None else {GATE_FD: str(gate.fd)}
        heard, told = os.pipe()
        try:
            with log.open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                    env={**os.environ, **(env or {}), **waits, READY_FD: str(told)},
                    pass_fds=(told, *map(int, waits.values()), *hold),
                    start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor alone, which stops in order
                    preexec_fn=dies_with_parent(),
                )
                return cls(name, process, log, output.tell(), heard)
        except BaseException as error:
            os.close(heard)
            if isinstance(error, OSError):
                raise SoonishError(Code.UNAVAILABLE, f"{name} could not be started: {error}.") from error
            raise
        finally:
            os.close(told)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    async def wait(self) -> int:
        code = await self._process.wait()
        self._close_pipe()
        return code

    async def told_ready(self) -> None:
        """Wait until the child calls `signal_ready`."""
        fd = self._ready_fd
        if fd is None:
            raise self.trouble("stopped before it was ready")
        loop = asyncio.get_running_loop()
        heard: asyncio.Future[bytes] = loop.create_future()

        def hear() -> None:
            loop.remove_reader(fd)
            heard.set_result(os.read(fd, 1))

        loop.add_reader(fd, hear)
        try:
            if not await heard:  # the end of the pipe: it died, or closed it without a word
                await self.wait()
                raise self.trouble("stopped before it was ready")
        finally:
            loop.remove_reader(fd)
            self._close_pipe()

    async def until_ready(self, ready: "Ready", seconds: float | None) -> None:
        """Ready is what `ready` says, and only if the process is alive then: a probe may have reached somebody else.

        Without `seconds` it waits for as long as the process lives.
        """
        answer = asyncio.ensure_future(ready(self))
        end = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait({answer, end}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                raise self.trouble("stopped before it was ready")
            if not answer.done():
                raise self.trouble(f"was not ready after {seconds:g} s")
            answer.result()
        finally:
            for task in (answer, end):
                task.cancel()
            await asyncio.gather(answer, end, return_exceptions=True)

    async def stop(self, grace: float = 10.0) -> None:
        """Ask it to end; after `grace` seconds kill it."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self.wait(), grace)
            except TimeoutError:
                self.kill()
        await self.wait()

    def kill(self) -> None:
        """At once, with whatever it started itself."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def trouble(self, what: str) -> SoonishError:
        lines = "\n".join(f"  {line}" for line in self.last_lines())
        ended = "" if self.returncode is None else f" ({how_it_ended(self.returncode)})"
        hint = f"Its log is {self.log}" + (f", which ends:\n{lines}" if lines else ", and it says nothing.")
        return SoonishError(Code.UNAVAILABLE, f"{self.name} {what}{ended}.", hint=hint)

    def last_lines(self, count: int = 10) -> list[str]:
        """The end of what this process, not an earlier one, has logged."""
        return tail(self.log, self.log_start)[-count:]

    def _close_pipe(self) -> None:
        if self._ready_fd is not None:
            os.close(self._ready_fd)
            self._ready_fd = None


Ready = Callable[[Child], Awaitable[None]]
"""Returns when the child serves."""


@dataclass(frozen=True)
class Role:
    """A process of the stack. `env` comes on top of ours; `ready` returns when it serves."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Ready = Child.told_ready


def how_it_ended(returncode: int) -> str:
    return f"exit {returncode}" if returncode >= 0 else f"by {signal.Signals(-returncode).name}"


def tail(log: Path, start: int = 0, limit: int = 64 * 1024) -> list[str]:
    """The lines of a log from byte `start` on, at most the last `limit` bytes of it."""
    with suppress(FileNotFoundError), log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start, size - limit))
        return file.read().decode(errors="replace").splitlines()
    return []


def rotate(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_name(f"{log.name}.1"))


def write_whole(path: Path, text: str) -> None:
    """Readers see the old content or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError:
        return False
    return True


def next_free_port(first: int, host: str = "127.0.0.1") -> int:
    for port in range(first, first + 100):
        if port_is_free(port, host):
            return port
    raise SoonishError(Code.UNAVAILABLE, f"No port from {first} to {first + 99} is free on {host}.")


def free_port() -> int:
    """Any free port, below those the system hands to outgoing connections.

    From that range a client that keeps knocking at a stopped server can be given the server's own port, and connect
    to itself.
    """
    for _ in range(100):
        port = random.randint(20_000, 32_000)  # noqa: S311 - not a secret
        if port_is_free(port):
            return port
    raise SoonishError(Code.UNAVAILABLE, "No free port was found.")


@cache
def _libc() -> ctypes.CDLL | None:
    """Loaded before the fork, where loading would not be safe. Other systems than Linux cannot bind a child so."""
    return ctypes.CDLL(None) if sys.platform == "linux" else None


def dies_with_parent() -> Callable[[], None]:
    """What a child runs before its program, so that it does not outlive this process."""
    return partial(_die_with, os.getpid(), _libc())


def _die_with(parent: int, libc: ctypes.CDLL | None) -> None:
    """Runs in the child before its program. The bond is to the *thread* that started it: start children from main."""
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call: no signal will come
            os._exit(1)
