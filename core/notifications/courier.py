"""The courier: sends claimed rows through their channels, many at a time, and records every outcome.

One courier per worker process owns what must be shared: the window of sends in flight, the two lanes, the hosts'
limits, and the one writer of outcomes (SQLite's lock is unfair to many).
"""

import asyncio
import contextlib
import datetime as dt
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from core.clock import Clock
from core.contracts import SendReport
from core.db.engine import Database
from core.delivery.hosts import Hosts
from core.delivery.message import Outcome
from core.delivery.sender import Sender
from core.keys import KeyMissingError, Keys
from core.notifications.kinds import KINDS, Lane
from core.notifications.ledger import Claim, Ledger, Result
from core.notifications.rows import Recipient
from core.rendering.composer import Composer
from core.settings import Settings

log = logging.getLogger(__name__)

_CHUNK = 256
_CLAIMED_AT_MOST = 1024
"""Rows of a dead host wait for its slots without holding up the claim of others."""
_FLUSH_AFTER = 0.010
_FLUSH_ROWS = 16

_MESSAGE_FAULTS = frozenset(f"http_{status}" for status in (400, 405, 406, 411, 413, 414, 415, 422, 431))
"""Permanent for this message, and no reason to switch its channel off."""

OnPermanent = Callable[[int, Outcome], Awaitable[None]]


@dataclass(slots=True)
class _Job:
    recipient: Recipient
    composer: Composer
    lane: Lane
    started: bool = False


class Courier:
    """`deliver(notification_id)` sends everything of a notification that is due now."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        db: Database,
        keys: Keys,
        sender: Sender,
        on_permanent: OnPermanent,
    ) -> None:
        self.owner = secrets.token_hex(8)
        self._settings = settings
        self._clock = clock
        self._keys = keys
        self._sender = sender
        self._on_permanent = on_permanent
        self.ledger = Ledger(
            db,
            self.owner,
            lease=dt.timedelta(seconds=settings.lease_seconds),
            grace=dt.timedelta(days=settings.grace_days),
            retry_delays=settings.retry_delays_seconds,
        )
        window = settings.delivery_window
        self.hosts = Hosts(window)
        # In flight at most `window`; sent but not yet recorded at most half as many more: what a crash repeats.
        self._window = asyncio.Semaphore(window)
        self._unrecorded = asyncio.Semaphore(window + window // 2)
        # Bulk leaves a quarter of the window to people who wait and to reminders.
        self._bulk = asyncio.Semaphore(max(1, window - window // 4))
        self._outcomes: list[Result] = []
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._active: Counter[int] = Counter()
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._sender.start()
        self._background = [
            asyncio.create_task(self._write_outcomes(), name="outcome writer"),
            asyncio.create_task(self._renew_leases(), name="lease renewal"),
        ]

    async def close(self) -> None:
        """Record what has come back, then stop."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._flush()
        await self._sender.close()

    async def deliver(self, notification_id: int) -> SendReport:
        """Send what is due of a notification. Safe to run twice at once: rows are claimed."""
        self._active[notification_id] += 1
        try:
            await self._deliver_due(notification_id)
            return await self.ledger.settle(notification_id, self._clock.now())
        finally:
            self._active -= Counter({notification_id: 1})

    async def _deliver_due(self, notification_id: int) -> None:
        running: dict[asyncio.Task[None], _Job] = {}
        try:
            more = True
            while more or running:
                if more:
                    claim = await self.ledger.claim(notification_id, _CHUNK, self._clock.now())
                    more = claim.more
                    running |= {asyncio.create_task(self._deliver_one(job)): job for job in self._jobs(claim)}
                if running and (not more or len(running) > _CLAIMED_AT_MOST - _CHUNK):
                    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        del running[task]
                        task.result()
        finally:
            if running:
                await asyncio.shield(self._stop(running))

    def _jobs(self, claim: Claim) -> list[_Job]:
        if claim.about is None or not claim.recipients:
            return []
        composer = Composer(claim.about, self._clock.now(), self._settings.public_base_url, self._keys)
        lane = KINDS[claim.about.notification.kind].lane
        return [_Job(recipient, composer, lane) for recipient in claim.recipients]

    async def _stop(self, running: dict[asyncio.Task[None], _Job]) -> None:
        """The activity was cancelled: rows that were not tried go back at once, sends in flight finish."""
        for task, job in running.items():
            if not job.started:
                task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        untried = [job.recipient for job in running.values() if not job.started]
        if untried:
            await self.ledger.release(untried)

    async def _deliver_one(self, job: _Job) -> None:
        try:
            url = self._keys.open(job.recipient.sealed_url)
        except KeyMissingError:
            log.exception("a channel's address cannot be opened: its key is missing")
            gone = Outcome(delivered=False, code="key_missing", reason="Its address cannot be read on our side.")
            await self._unrecorded.acquire()
            self._put(Result(job.recipient, gone))
            return
        host = self._sender.host_of(url)
        lane = self._bulk if job.lane == "bulk" else contextlib.nullcontext()
        async with self.hosts.slot(host) as gate, lane, self._window:
            await self._unrecorded.acquire()
            job.started = True
            outcome = gate.deferral
            if outcome is None:
                outcome = await self._sender.send(url, job.composer.message_for(job.recipient))
                self.hosts.record(host, outcome)
            self._put(Result(job.recipient, outcome))

    def _put(self, result: Result) -> None:
        self._outcomes.append(result)
        self._some.set()
        if len(self._outcomes) >= _FLUSH_ROWS:
            self._enough.set()

    async def _write_outcomes(self) -> None:
        while True:
            await self._some.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_AFTER):
                    await self._enough.wait()
            # Once begun, a flush is finished: cancelling it half-way would lose what it took from the list.
            await asyncio.shield(asyncio.ensure_future(self._flush()))

    async def _flush(self) -> None:
        """Record everything that has come back; a database that is busy or full is asked again, for ever."""
        results, self._outcomes = self._outcomes, []
        self._some.clear()
        self._enough.clear()
        if not results:
            return
        wait = 0.05
        while True:
            try:
                await self.ledger.record(results, self._clock.now())
                break
            except Exception:
                log.exception("outcomes could not be recorded; trying again in %.2f s", wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5.0)
        for result in results:
            self._unrecorded.release()
            if result.outcome.permanent and result.outcome.code not in _MESSAGE_FAULTS:
                await self._on_permanent(result.recipient.integration_id, result.outcome)

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_seconds / 3)
            if self._active:
                try:
                    await self.ledger.renew(list(self._active), self._clock.now())
                except Exception:
                    log.exception("leases could not be renewed")
