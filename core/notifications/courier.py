"""The courier: sends claimed rows through their channels, many at a time, and records every outcome.

One courier per worker process owns what must be shared: the dispatcher with its window and lanes, the hosts' limits,
and the one writer of outcomes (SQLite's lock is unfair to many).
"""

import asyncio
import contextlib
import datetime as dt
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from core.clock import Clock
from core.contracts import SendReport
from core.db.engine import Database
from core.delivery.hosts import Hosts
from core.delivery.message import Outcome
from core.delivery.sender import Sender
from core.keys import KeyMissingError, Keys
from core.notifications.dispatch import Dispatcher
from core.notifications.kinds import KINDS, Lane
from core.notifications.ledger import Claim, Ledger, Result
from core.notifications.rows import Recipient
from core.rendering.composer import Composer
from core.settings import Settings

log = logging.getLogger(__name__)

_CHUNK = 256
_CLAIMED_AT_MOST = 1024
"""Rows that wait for a slow host do not hold up the claim of others."""
_FLUSH_AFTER = 0.010
_FLUSH_ROWS = 16
_MESSAGE_FAULTS = frozenset(f"http_{status}" for status in (400, 405, 406, 411, 413, 414, 415, 422, 431))
"""Permanent for this message, and no reason to switch its channel off."""
_UNWORDED = Outcome(delivered=False, code="render", reason="Something broke on our side while it was written.")
_KEY_GONE = Outcome(delivered=False, code="key_missing", reason="Its address cannot be read on our side.")

OnPermanent = Callable[[int, Outcome], Awaitable[None]]


@dataclass(eq=False, slots=True)
class _Errand:
    """One call of `deliver`: how many of its rows are claimed and not yet settled."""

    outstanding: int = 0
    room: asyncio.Event = field(default_factory=asyncio.Event)

    def settled(self) -> None:
        self.outstanding -= 1
        if self.outstanding <= _CLAIMED_AT_MOST - _CHUNK:
            self.room.set()

    async def until(self, at_most: int) -> None:
        while self.outstanding > at_most:
            self.room.clear()
            await self.room.wait()


@dataclass(eq=False, slots=True)
class _Send:
    """A job of the dispatcher: one recipient's message."""

    courier: "Courier"
    errand: _Errand
    recipient: Recipient
    composer: Composer
    lane: Lane
    url: str = field(repr=False)
    host: str
    ran: bool = False

    async def run(self) -> Outcome:
        self.ran = True
        try:
            message = self.composer.message_for(self.recipient)
        except Exception:
            log.exception("delivery %d could not be put into words", self.recipient.delivery_id)
            return _UNWORDED
        return await self.courier.sender.send(self.url, message)

    def done(self, outcome: Outcome) -> None:
        self.courier.put(Result(self.recipient, outcome), ran=self.ran)
        self.errand.settled()


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
        self.sender = sender
        self.hosts = Hosts(settings.delivery_window)
        self.ledger = Ledger(
            db,
            secrets.token_hex(8),
            lease=dt.timedelta(seconds=settings.lease_seconds),
            grace=dt.timedelta(days=settings.grace_days),
            retry_delays=settings.retry_delays_seconds,
        )
        self._settings = settings
        self._clock = clock
        self._keys = keys
        self._on_permanent = on_permanent
        self._dispatcher = Dispatcher(self.hosts, settings.delivery_window)
        self._outcomes: list[Result] = []
        self._ran = 0
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._active: Counter[int] = Counter()
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.sender.start()
        self._background = [
            asyncio.create_task(self._write_outcomes(), name="outcome writer"),
            asyncio.create_task(self._renew_leases(), name="lease renewal"),
        ]

    async def close(self) -> None:
        """Let what is in flight come back, record it, then stop."""
        await self._dispatcher.drained()
        self._dispatcher.close()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._flush()
        await self.sender.close()

    async def deliver(self, notification_id: int) -> SendReport:
        """Send what is due of a notification. Safe to run twice at once: rows are claimed."""
        self._active[notification_id] += 1
        errand = _Errand()
        try:
            more = True
            while more:
                claim = await self.ledger.claim(notification_id, _CHUNK, self._clock.now())
                more = claim.more
                self._dispatcher.submit(self._sends(claim, errand))
                await errand.until(_CLAIMED_AT_MOST - _CHUNK if more else 0)
            await self._flush()
            return await self.ledger.settle(notification_id, self._clock.now())
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(errand))
            raise
        finally:
            self._active -= Counter({notification_id: 1})

    def _sends(self, claim: Claim, errand: _Errand) -> list[_Send]:
        if claim.about is None or not claim.recipients:
            return []
        composer = Composer(claim.about, self._clock.now(), self._settings.public_base_url, self._keys)
        lane = KINDS[claim.about.notification.kind].lane
        sends = []
        for recipient in claim.recipients:
            try:
                url = self._keys.open(recipient.sealed_url)
            except KeyMissingError:
                log.exception("a channel's address cannot be opened: its key is missing")
                self.put(Result(recipient, _KEY_GONE), ran=False)
                continue
            sends.append(_Send(self, errand, recipient, composer, lane, url, self.sender.host_of(url)))
        errand.outstanding += len(sends)
        return sends

    async def _give_back(self, errand: _Errand) -> None:
        """The activity was cancelled: rows that were not tried go back at once; those in flight finish."""
        untried = self._dispatcher.withdraw(lambda job: isinstance(job, _Send) and job.errand is errand)
        recipients = [job.recipient for job in untried if isinstance(job, _Send)]
        if recipients:
            await self.ledger.release(recipients)

    def put(self, result: Result, *, ran: bool) -> None:
        """An outcome to record. `ran`: something was sent, so it counts against what may be unrecorded."""
        self._outcomes.append(result)
        self._ran += ran
        self._some.set()
        if len(self._outcomes) >= _FLUSH_ROWS:
            self._enough.set()

    async def _write_outcomes(self) -> None:
        while True:
            await self._some.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_AFTER):
                    await self._enough.wait()
            # Once begun a flush is finished: cancelled half-way it would lose what it took from the list.
            await asyncio.shield(asyncio.ensure_future(self._flush()))

    async def _flush(self) -> None:
        """Record everything that has come back; a database that is busy or full is asked again, for ever."""
        async with self._flushing:
            results, self._outcomes = self._outcomes, []
            ran, self._ran = self._ran, 0
            self._some.clear()
            self._enough.clear()
            if not results:
                return
            await self._record(results)
            self._dispatcher.recorded(ran)
        for result in results:
            if result.outcome.permanent and result.outcome.code not in _MESSAGE_FAULTS:
                await self._switch_off(result)

    async def _switch_off(self, result: Result) -> None:
        try:
            await self._on_permanent(result.recipient.integration_id, result.outcome)
        except Exception:
            # The row is recorded; the next permanent failure of this channel asks again.
            log.exception("channel %d could not be switched off", result.recipient.integration_id)

    async def _record(self, results: list[Result]) -> None:
        wait = 0.05
        while True:
            try:
                return await self.ledger.record(results, self._clock.now())
            except Exception:
                log.exception("outcomes could not be recorded; trying again in %.2f s", wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5.0)

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_seconds / 3)
            if self._active:
                try:
                    await self.ledger.renew(list(self._active), self._clock.now())
                except Exception:
                    log.exception("leases could not be renewed")
