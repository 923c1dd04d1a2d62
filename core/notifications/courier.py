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
from core.delivery.addresses import is_mail
from core.delivery.hosts import Hosts
from core.delivery.message import Outcome
from core.delivery.sender import Sender
from core.keys import KeyMissingError, Keys
from core.metrics.labels import channel
from core.metrics.sending import SendingMetrics
from core.notifications.dispatch import Dispatcher
from core.notifications.kinds import KINDS, Lane
from core.notifications.ledger import Claim, Ledger, Result
from core.notifications.rows import Recipient
from core.notifications.witness import Matter, Witness
from core.rendering.composer import Composer
from core.settings import Settings

log = logging.getLogger(__name__)

_CHUNK = 256
_CLAIMED_AT_MOST = 1024
"""Rows that wait for a slow host do not hold up the claim of others."""
_LOOK_FOR_LEAVERS = 0.2
"""Seconds for which what was claimed may still go to somebody who left or was shut out since."""
_FLUSH_AFTER = 0.010
_FLUSH_ROWS = 16
_LAST_WORDS = 3.0
"""Seconds that sends in flight, and then the writer, get at shutdown."""
_UNWORDED = Outcome(delivered=False, code="render", reason="Something broke on our side while it was written.")
_KEY_GONE = Outcome(delivered=False, code="key_missing", reason="Its address cannot be read on our side.")

OnPermanent = Callable[[int, Outcome], Awaitable[None]]


@dataclass(eq=False, slots=True)
class _Errand:
    """One call of `deliver`: how many of its rows are claimed and not yet recorded."""

    outstanding: int = 0
    trails: set[str] = field(default_factory=set)
    """What asked for its rows, in the logs."""
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
    matter: Matter
    lane: Lane
    url: str = field(repr=False)
    host: str = field(repr=False)

    async def run(self) -> Outcome | None:
        return await self.courier.send(self)

    def done(self, outcome: Outcome | None, *, ran: bool) -> None:
        self.courier.take_back(self, outcome, ran=ran)


@dataclass(frozen=True, slots=True)
class _Returned:
    result: Result
    matter: Matter
    channel: str
    errand: _Errand
    ran: bool


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
        metrics: SendingMetrics | None = None,
    ) -> None:
        self.hosts = Hosts(settings.delivery_window)
        self.ledger = Ledger(
            db,
            secrets.token_hex(8),
            lease=dt.timedelta(seconds=settings.lease_seconds),
            grace=dt.timedelta(days=settings.grace_days),
            retry_delays=settings.retry_delays_seconds,
        )
        self._sender = sender
        self._settings = settings
        self._clock = clock
        self._keys = keys
        self._on_permanent = on_permanent
        self._dispatcher = Dispatcher(self.hosts, settings.delivery_window)
        self._witness = Witness(metrics)
        if metrics is not None:
            metrics.watch(self.hosts.states, self._dispatcher.in_flight)
        self._returned: list[_Returned] = []
        self._errands: Counter[int] = Counter()
        """Calls of `deliver` under way, by notification."""
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._closing = False
        self._all_back = False
        """Nothing is in flight any more, so that no outcome comes after those that are there."""
        self._broken: asyncio.Queue[Result] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._sender.start()
        self._writer = asyncio.create_task(self._write_outcomes(), name="outcome writer")
        self._background = [
            asyncio.create_task(self._renew_leases(), name="lease renewal"),
            asyncio.create_task(self._look_for_leavers(), name="leavers"),
            asyncio.create_task(self._switch_off_broken(), name="switching off"),
        ]

    async def close(self) -> None:
        """Let what is in flight come back and record it, for a few seconds; a lease covers the rest."""
        self._closing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await self._dispatcher.drained()
        self._dispatcher.close()
        self._all_back = True
        self._some.set()
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=_LAST_WORDS)
            self._background.append(self._writer)
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._sender.close()

    async def deliver(self, notification_id: int) -> SendReport:
        """Send what is due of a notification, and record it. Safe to run twice at once: rows are claimed."""
        errand = _Errand()
        self._errands[notification_id] += 1
        try:
            more = True
            while more:
                claim = await self.ledger.claim(notification_id, _CHUNK, self._clock.now())
                more = claim.more
                self._dispatcher.submit(self._sends(claim, errand))
                await errand.until(_CLAIMED_AT_MOST - _CHUNK if more else 0)
            report = await self.ledger.settle(notification_id, self._clock.now())
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(errand))
            raise
        finally:
            self._errands[notification_id] -= 1
            if not self._errands[notification_id]:
                del self._errands[notification_id]
        self._witness.settled(notification_id, errand.trails, report)
        return report

    def carries(self, notification_id: int) -> bool:
        """Whether it is being delivered in this process."""
        return notification_id in self._errands

    def _sends(self, claim: Claim, errand: _Errand) -> list[_Send]:
        if claim.about is None:
            return []
        matter = Matter.of(claim.about)
        self._witness.claimed(matter, claim, errand.trails)
        if not claim.recipients:
            return []
        base_url, sender = self._settings.public_base_url, self._settings.smtp_from
        composer = Composer(claim.about, self._clock.now(), base_url, self._keys, sender)
        lane = KINDS[matter.kind].lane
        errand.outstanding += len(claim.recipients)
        sends = []
        for recipient in claim.recipients:
            try:
                url = self._keys.open(recipient.sealed_url)
            except KeyMissingError:
                log.exception("a channel's address cannot be opened: its key is missing")
                self._put(_Returned(Result(recipient, _KEY_GONE), matter, "", errand, ran=False))
                continue
            sends.append(_Send(self, errand, recipient, composer, matter, lane, url, self._sender.host_of(url)))
        return sends

    async def _give_back(self, errand: _Errand) -> None:
        """The activity was cancelled: rows that were not tried go back at once; those in flight finish."""
        untried = self._dispatcher.withdraw(lambda job: isinstance(job, _Send) and job.errand is errand)
        recipients = [job.recipient for job in untried if isinstance(job, _Send)]
        if recipients:
            await self.ledger.release(recipients)

    async def send(self, job: _Send) -> Outcome | None:
        """One send; None when the row is not ours any more, so that nothing is sent twice."""
        if not self.ledger.holds(job.recipient, self._clock.now()):
            return None
        try:
            message = job.composer.message_for(job.recipient, by_mail=is_mail(job.url))
        except Exception:
            log.exception("delivery %d could not be put into words", job.recipient.delivery_id)
            return _UNWORDED
        return await self._sender.send(job.url, message)

    def take_back(self, job: _Send, outcome: Outcome | None, *, ran: bool) -> None:
        """What became of a job. `ran`: it counts against what may be unrecorded until it is."""
        if outcome is not None:
            self._put(_Returned(Result(job.recipient, outcome), job.matter, channel(job.url), job.errand, ran))
            return
        self.ledger.drop(job.recipient)
        job.errand.settled()
        self._dispatcher.recorded(int(ran))

    def _put(self, returned: _Returned) -> None:
        self._returned.append(returned)
        self._some.set()
        if len(self._returned) >= _FLUSH_ROWS:
            self._enough.set()

    async def _write_outcomes(self) -> None:
        """The only writer of outcomes. Nobody waits inside it but for the database."""
        while self._returned or not self._all_back:
            await self._some.wait()
            if not self._closing:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_FLUSH_AFTER):
                        await self._enough.wait()
            self._enough.clear()
            self._some.clear()
            try:
                await self._flush()
            except Exception:
                log.exception("the outcome writer stumbled; it goes on")

    async def _flush(self) -> None:
        returned, self._returned = self._returned, []
        if not returned:
            return
        results = [each.result for each in returned]
        became = await self._record(results)
        self._dispatcher.recorded(sum(each.ran for each in returned))
        for each in returned:
            each.errand.settled()
            if each.result.outcome.permanent and not each.result.outcome.about_message:
                self._broken.put_nowait(each.result)
        # Last: what is told must not keep anybody from going on.
        self._witness.recorded(
            [(each.matter, each.channel, each.result, status) for each, status in zip(returned, became, strict=True)],
            self._clock.now(),
        )

    async def _record(self, results: list[Result]) -> list[str]:
        """A database that is busy or full is asked again, for ever: what was sent must be known."""
        wait = 0.05
        while True:
            try:
                return await self.ledger.record(results, self._clock.now())
            except Exception:
                log.exception("outcomes could not be recorded; trying again in %.2f s", wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5.0)

    async def _switch_off_broken(self) -> None:
        """Channels that failed for good, one after the other, beside the sending."""
        while True:
            result = await self._broken.get()
            try:
                await self._on_permanent(result.recipient.integration_id, result.outcome)
            except Exception:
                # The row is recorded; the next permanent failure of this channel asks again.
                log.exception("channel %d could not be switched off", result.recipient.integration_id)

    async def _look_for_leavers(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_FOR_LEAVERS)
            try:
                await self.ledger.look_for_leavers()
            except Exception:
                log.exception("whoever left meanwhile could not be looked up; the next look finds them")

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_seconds / 3)
            try:
                await self.ledger.renew(self._clock.now())
            except Exception:
                log.exception("leases could not be renewed")
