"""Which send goes next: a window of sends in flight, two lanes, and no host that holds up another."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.delivery.hosts import Gate, Hosts
from core.delivery.message import Outcome
from core.notifications.kinds import Lane

log = logging.getLogger(__name__)

_BROKEN = Outcome(delivered=False, code="error", reason="Something broke on our side; it is tried again.")
_LOOK_AGAIN = 1.0
"""Seconds after which a full host is asked again: one that hangs sends no sign."""


class Job(Protocol):
    """One send. `host` is its key in `Hosts`."""

    host: str
    lane: Lane

    def run(self) -> Coroutine[Any, Any, Outcome | None]:
        """Send; None when it turned out that nothing was to be sent."""
        ...

    def done(self, outcome: Outcome | None, *, ran: bool) -> None:
        """Called once. `ran` is False for a deferral that the host's state gave without a send."""
        ...


@dataclass(slots=True)
class _Waiting:
    """The jobs of one lane, by host; hosts take turns."""

    limit: int
    active: int = 0
    queues: dict[str, deque[Job]] = field(default_factory=dict)
    turns: deque[str] = field(default_factory=deque)
    full: set[str] = field(default_factory=set)


class Dispatcher:
    """At most `window` sends run, and at most half as many more have run without being recorded: what a crash repeats.

    Bulk leaves a quarter of the window to people who wait and to reminders. A job whose host is in trouble ends with
    a deferral at once.
    """

    def __init__(self, hosts: Hosts, window: int) -> None:
        self._hosts = hosts
        self._window = window
        self._unrecorded_at_most = window + window // 2
        self._in_flight = 0
        self._unrecorded = 0
        self._lanes: dict[Lane, _Waiting] = {
            "prompt": _Waiting(window),
            "bulk": _Waiting(max(1, window - window // 4)),
        }
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def submit(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            lane = self._lanes[job.lane]
            queue = lane.queues.get(job.host)
            if queue is None:
                queue = lane.queues[job.host] = deque()
                lane.turns.append(job.host)
            queue.append(job)
        self._pump()

    def withdraw(self, wanted: Callable[[Job], bool]) -> list[Job]:
        """Take back jobs that have not begun."""
        taken: list[Job] = []
        for lane in self._lanes.values():
            for host, queue in list(lane.queues.items()):
                kept = deque(job for job in queue if not wanted(job))
                taken += [job for job in queue if wanted(job)]
                lane.queues[host] = kept
        return taken

    def recorded(self, count: int) -> None:
        """That many outcomes of jobs that ran are safe in the database."""
        self._unrecorded -= count
        self._pump()

    def in_flight(self) -> int:
        return self._in_flight

    async def drained(self) -> None:
        """When no send runs any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _pump(self) -> None:
        while (found := self._take()) is not None:
            task = asyncio.create_task(self._run(*found))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._watch_full_hosts()

    def _take(self) -> tuple[Job, Gate] | None:
        """The next job, if one more may run now."""
        if self._in_flight >= self._window or self._unrecorded >= self._unrecorded_at_most:
            return None
        found = self._next()
        if found is not None:
            self._in_flight += 1
            self._unrecorded += 1
            self._lanes[found[0].lane].active += 1
        return found

    def _next(self) -> tuple[Job, Gate] | None:
        for lane in self._lanes.values():
            while lane.turns and lane.active < lane.limit:
                host = lane.turns.popleft()
                queue = lane.queues[host]
                if not queue:
                    del lane.queues[host]
                    continue
                gate = self._hosts.enter(host)
                if gate is None:
                    lane.full.add(host)
                    continue
                job = queue.popleft()
                lane.turns.append(host)
                if gate.deferral is None:
                    return job, gate
                job.done(gate.deferral, ran=False)
        return None

    async def _run(self, job: Job, gate: Gate) -> None:
        """This job, and then whatever may come next: a task for each would cost more than handing one on."""
        while True:
            await self._run_one(job, gate)
            found = self._take()
            self._pump()
            if found is None:
                break
            job, gate = found

    async def _run_one(self, job: Job, gate: Gate) -> None:
        outcome: Outcome | None = _BROKEN
        try:
            outcome = await job.run()
            if outcome is not None:
                self._hosts.record(job.host, outcome)
        except Exception:
            log.exception("a send broke")
        finally:
            self._hosts.leave(job.host, gate)
            self._in_flight -= 1
            self._lanes[job.lane].active -= 1
            self._free(job.host)
            job.done(outcome, ran=True)

    def _free(self, host: str) -> None:
        for lane in self._lanes.values():
            if host in lane.full:
                lane.full.discard(host)
                lane.turns.append(host)

    def _watch_full_hosts(self) -> None:
        if self._timer is None and any(lane.full for lane in self._lanes.values()):
            self._timer = asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        for lane in self._lanes.values():
            lane.turns.extend(lane.full)
            lane.full.clear()
        self._pump()
