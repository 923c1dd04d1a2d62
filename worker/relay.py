"""The relay: rings Temporal for what was committed. Away for an hour means late by an hour, and nothing lost."""

import asyncio
import datetime as dt
import logging
from dataclasses import dataclass

from sqlalchemy import select, update
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError

from core.contracts import EVENT_UPDATED
from core.db.again import until_done
from core.db.engine import Watch
from core.db.models import Event, OutboxRow
from core.db.said import OUTBOX
from core.events.duties import neglected
from core.metrics.sending import RelayMetrics
from core.temporal import Temporal, TemporalAwayError
from core.trail import following, fresh
from core.work import SYSTEM, Core

log = logging.getLogger(__name__)

_EVERY = 0.020
_POLL = 0.5
"""Where PostgreSQL says what is new, how long its silence is believed."""
_WAITS = "SELECT 1 FROM outbox WHERE relayed_at IS NULL LIMIT 1"
_ROWS = 500
_AT_ONCE = 16
_LONGEST_WAIT = 5.0
_SWEEP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Bell:
    """One ring for however many rows wait for the same workflow."""

    event_id: int | None
    public_id: str | None
    notification_id: int | None
    user_id: int | None
    signal: str
    subject_id: int
    rows: tuple[int, ...]
    since: tuple[dt.datetime, ...]
    trails: tuple[str, ...]
    """What asked for them, in the logs."""

    @property
    def whom(self) -> str:
        if self.event_id is not None:
            return f"event {self.event_id}"
        return f"notification {self.notification_id}" if self.user_id is None else f"user {self.user_id}"


class Relay:
    """Belongs to the worker. Several workers may ring the same bell: that is harmless."""

    def __init__(
        self, core: Core, temporal: Temporal, metrics: RelayMetrics | None = None, *, poll: float = _POLL
    ) -> None:
        self._core = core
        self._poll = poll
        self._temporal = temporal
        self._metrics = metrics
        self._wait = _EVERY

    async def run(self) -> None:
        """Until cancelled. Whatever fails is tried again: without the relay nothing is sent any more."""
        while True:
            try:
                async with self._core.db.watch(OUTBOX, self._poll, _WAITS) as watch:
                    await self._ring_when_there_is_something(watch)
            except TemporalAwayError as error:
                self._count_failure()
                self._wait = min(max(self._wait, 0.1) * 2, _LONGEST_WAIT)
                log.warning("%s; trying again in %.1f s", error, self._wait)
            except Exception:
                self._count_failure()
                self._wait = min(max(self._wait, 0.1) * 2, _LONGEST_WAIT)
                log.exception("the relay failed; trying again in %.1f s", self._wait)
            await asyncio.sleep(self._wait)

    def _count_failure(self) -> None:
        if self._metrics is not None:
            self._metrics.failed()

    async def _ring_when_there_is_something(self, watch: Watch) -> None:
        while True:
            more = await self.ring_waiting() == _ROWS
            self._wait = _EVERY
            if not more:
                await asyncio.sleep(_EVERY)  # what comes together rings together
                await watch.changed()

    async def ring_waiting(self) -> int:
        """Ring for everything in the outbox. How many rows that was."""
        bells = await self._waiting()
        gate = asyncio.Semaphore(_AT_ONCE)

        async def ring(bell: _Bell) -> tuple[int, ...]:
            async with gate:
                with following(*bell.trails):
                    await self._ring(bell)
                    log.info("rang %s for %s, %d in the outbox", bell.signal, bell.whom, len(bell.rows))
                if self._metrics is not None:
                    now = self._core.clock.now()
                    self._metrics.rung(bell.signal, [now - since for since in bell.since])
                return bell.rows

        done = await asyncio.gather(*(ring(bell) for bell in bells), return_exceptions=True)
        rung = [row for rows in done if not isinstance(rows, BaseException) for row in rows]
        if rung:
            await until_done(lambda: self._mark(rung))
        for failure in done:
            if isinstance(failure, BaseException):
                raise failure
        return len(rung)

    async def _mark(self, rung: list[int]) -> None:
        async with self._core.db.write_rows() as connection:
            await connection.execute(
                update(OutboxRow).where(OutboxRow.id.in_(rung)).values(relayed_at=self._core.clock.now())
            )

    async def _waiting(self) -> list[_Bell]:
        async with self._core.db.read_rows() as connection:
            rows = (
                await connection.execute(
                    select(
                        OutboxRow.id, OutboxRow.event_id, OutboxRow.notification_id, OutboxRow.user_id,
                        OutboxRow.signal, OutboxRow.subject_id, OutboxRow.trail, OutboxRow.created_at,
                        Event.public_id,
                    )
                    .outerjoin(Event, Event.id == OutboxRow.event_id)
                    .where(OutboxRow.relayed_at.is_(None))
                    .order_by(OutboxRow.id)
                    .limit(_ROWS)
                )
            ).all()  # fmt: skip
        bells: dict[tuple[int | None, ...], _Bell] = {}
        for row in rows:
            # Sessions have a workflow each.
            key = (row.event_id, row.notification_id, row.user_id, row.subject_id if row.user_id is not None else None)
            before = bells.get(key)
            bells[key] = _Bell(
                event_id=row.event_id,
                public_id=row.public_id,
                notification_id=row.notification_id,
                user_id=row.user_id,
                signal=row.signal,
                subject_id=row.subject_id,
                rows=(*(before.rows if before else ()), row.id),
                since=(*(before.since if before else ()), row.created_at),
                trails=(*(before.trails if before else ()), *filter(None, [row.trail])),
            )
        return list(bells.values())

    async def _ring(self, bell: _Bell) -> None:
        if bell.public_id is not None and bell.event_id is not None:
            await self._temporal.ring_event(bell.event_id, bell.public_id, bell.signal, bell.subject_id)
        elif bell.notification_id is not None:
            await self._temporal.ring_notification(bell.notification_id)
        if bell.user_id is not None:
            await self._temporal.ring_account(bell.user_id, bell.signal, bell.subject_id)

    async def sweep_forever(self) -> None:
        """Every minute ring for anything that is owed and does not move: a lost ring, a missed schedule, a restored
        Temporal."""
        while True:
            try:
                with following(fresh()):
                    rang = await self.sweep()
                if rang and self._metrics is not None:
                    self._metrics.swept(rang)
                if rang:
                    log.warning("the sweeper rang for %d that did not move", rang)
            except (TemporalAwayError, TemporalError, RPCError) as error:
                log.warning("the sweeper could not ring: %s", error)
            except Exception:
                log.exception("the sweeper failed")
            await asyncio.sleep(_SWEEP_SECONDS)

    async def sweep(self) -> int:
        events, notifications = await self._core.ask(SYSTEM, neglected)
        async with self._core.db.read() as session:
            rows = (await session.execute(select(Event.id, Event.public_id).where(Event.id.in_(events)))).all()
        for event_id, public_id in rows:
            log.info("event %d owes something that does not move", event_id)
            await self._temporal.ring_event(event_id, public_id, EVENT_UPDATED, event_id)
        for notification_id in notifications:
            log.info("notification %d owes something that does not move", notification_id)
            await self._temporal.ring_notification(notification_id)
        return len(rows) + len(notifications)
