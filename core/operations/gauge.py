"""Whether Temporal answers, known without waiting for it: one question at a time, shared by all who ask."""

import asyncio
import contextlib
import datetime as dt

from core.clock import Clock
from core.temporal import Connection, Temporal

_FRESH = dt.timedelta(seconds=5)


class Gauge:
    def __init__(self, temporal: Temporal, clock: Clock) -> None:
        self._temporal = temporal
        self._clock = clock
        self._last: Connection | None = None
        self._asked_at: dt.datetime | None = None
        self._asking: asyncio.Task[Connection] | None = None

    def glance(self) -> Connection | None:
        """The latest answer, at once; asks again in the background when it is old."""
        if self._asked_at is None or self._clock.now() - self._asked_at >= _FRESH:
            self._ask()
        return self._last

    async def look(self) -> Connection:
        """A fresh answer; the port bounds how long that takes."""
        if self._last is not None and self._asked_at and self._clock.now() - self._asked_at < _FRESH:
            return self._last
        return await asyncio.shield(self._ask())

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking

    def _ask(self) -> asyncio.Task[Connection]:
        if self._asking is None:
            self._asking = asyncio.create_task(self._check())
        return self._asking

    async def _check(self) -> Connection:
        try:
            self._last = await self._temporal.check()
            self._asked_at = self._clock.now()
        finally:
            self._asking = None
        return self._last
