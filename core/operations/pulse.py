"""Whether the database takes what people do: a real write is tried, because one that is full or read-only still
answers every question."""

import asyncio
import contextlib
import logging
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, insert
from sqlalchemy.exc import SQLAlchemyError

from core.db.models import ServiceFlag
from core.work import Core

log = logging.getLogger(__name__)

_FRESH = 5.0
_PATIENCE = 1.0
"""Seconds that who asks waits for an answer; then the one before counts."""
_STUCK = 16.0
"""Seconds after which a write that has not come back never will: longer than SQLite waits for its lock."""
_A_PAGE = "x" * 8192
"""More than fits into what is free of a page, so that a full disk is noticed."""


async def try_write(core: Core) -> None:
    """Writes a row and takes it back in the same transaction: it leaves nothing. Raises what the database raises."""
    name = f"probe-{secrets.token_hex(8)}"
    async with core.db.write_rows() as connection:
        await connection.execute(insert(ServiceFlag).values(name=name, value=_A_PAGE, set_at=core.clock.now()))
        await connection.execute(delete(ServiceFlag).where(ServiceFlag.name == name))


@dataclass(slots=True)
class _Try:
    task: asyncio.Task[bool]
    began: float


class Pulse:
    """One try at a time, at most every few seconds, shared by all who ask."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._last: bool | None = None
        self._tried_at: float | None = None
        self._trying: _Try | None = None

    async def look(self) -> bool:
        """Whether writes are taken. One that only has to wait for its turn is no trouble yet."""
        now = asyncio.get_running_loop().time()
        if self._trying is None:
            if self._last is not None and self._tried_at is not None and now - self._tried_at < _FRESH:
                return self._last
            self._trying = _Try(asyncio.create_task(self._try()), now)
        trying = self._trying
        await asyncio.wait({trying.task}, timeout=_PATIENCE)
        if trying.task.done():
            return trying.task.result()
        return self._last is not False and now - trying.began < _STUCK

    async def close(self) -> None:
        if self._trying is not None:
            self._trying.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._trying.task

    async def _try(self) -> bool:
        try:
            await try_write(self._core)
            self._last = True
        except (SQLAlchemyError, OSError) as error:
            log.warning("the database takes no writes: %s", type(getattr(error, "orig", None) or error).__name__)
            self._last = False
        finally:
            self._tried_at, self._trying = asyncio.get_running_loop().time(), None
        return self._last
