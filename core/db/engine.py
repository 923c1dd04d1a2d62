"""The database: one engine, short write transactions that take the lock at once, reads that never block."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from core.db import sqlite

if TYPE_CHECKING:
    import psycopg

_BEGIN = "soonish_begin"
_WRITES_ALONE = "soonish_writes_alone"
_IMMEDIATE = "BEGIN IMMEDIATE"
_LOOK_EVERY = 0.020
_PATIENCE = 15.0
_DO_NOT_WAIT = text("SET LOCAL lock_timeout = 1")
"""Milliseconds; 0 would mean without end."""


class Database:
    """`read()` and `write()` give a session in a transaction; leaving `write()` without an error commits.

    On SQLite writers of one process queue in order before they ask for the file's lock: SQLite's own busy handler
    is unfair, and a deferred BEGIN that upgrades later loses updates (measured: 280 of 320 increments). `patience`:
    seconds that a write waits at most, in that queue and for the lock together.
    """

    def __init__(self, url: str, *, pool_size: int = 5, patience: float = _PATIENCE) -> None:
        self.sqlite = url.startswith("sqlite")
        self.patience = patience
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=not self.sqlite,
            hide_parameters=True,  # what is in a row must not get into a log by way of an error
            execution_options={
                "preserve_rowcount": True
            },  # of an INSERT too, which PostgreSQL's driver tells else no one
            connect_args={"async_creator_fn": sqlite.connect} if self.sqlite else {},
        )
        self._writing = self.engine.execution_options(**{_BEGIN: _IMMEDIATE})
        alone = {_BEGIN: None} if self.sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._alone = self.engine.execution_options(**alone)
        self._writer = asyncio.Lock()
        self._lock_by = 0.0
        """Until when whoever holds `_writer` waits for the file's lock, as `time.monotonic` tells."""
        if self.sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", self._begin_sqlite)

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Await nothing but its own statements inside: everybody else's writes wait."""
        async with self._turn(self.patience), self._session() as session:
            yield session

    @contextlib.asynccontextmanager
    async def write_now(self) -> AsyncIterator[AsyncSession]:
        """As `write`, but whatever somebody else holds is an error at once instead of waited for."""
        async with self._turn(0), self._session() as session:
            if not self.sqlite:
                await session.execute(_DO_NOT_WAIT)
            yield session

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextlib.asynccontextmanager
    async def _turn(self, patience: float) -> AsyncIterator[None]:
        """This process's turn to write. Raises OperationalError, as for the lock itself, when it is too long in
        coming."""
        if not self.sqlite:
            yield
            return
        lock_by = time.monotonic() + patience
        try:
            async with asyncio.timeout(patience):
                await self._writer.acquire()
        except TimeoutError:
            raise OperationalError(_IMMEDIATE, None, sqlite3.OperationalError("other writers take too long")) from None
        try:
            self._lock_by = lock_by
            yield
        finally:
            self._writer.release()

    def _begin_sqlite(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        begin = options.get(_BEGIN, "BEGIN")
        if begin == _IMMEDIATE or options.get(_WRITES_ALONE):
            driver: Any = connection.connection.driver_connection
            driver.lock_by = self._lock_by
        if begin is not None:
            connection.exec_driver_sql(begin)

    @contextlib.asynccontextmanager
    async def read_rows(self) -> AsyncIterator[AsyncConnection]:
        """A bare connection for hot paths that need rows, not objects."""
        async with self.engine.connect() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def read_alone(self) -> AsyncIterator[AsyncConnection]:
        """For one question: one trip to the database instead of two."""
        async with self._alone.connect() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def write_rows(self) -> AsyncIterator[AsyncConnection]:
        async with self._turn(self.patience), self._writing.begin() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def write_alone(self) -> AsyncIterator[AsyncConnection]:
        """For one statement that is a transaction by itself: one trip to the database instead of two."""
        async with self._turn(self.patience), self._alone.connect() as connection:
            yield await connection.execution_options(**{_WRITES_ALONE: True})

    @contextlib.asynccontextmanager
    async def watch(self, channel: str, poll: float, sign: str | None = None) -> AsyncIterator["Watch"]:
        """Notice what others commit: on PostgreSQL what they say on `channel`, and every `poll` seconds whatever was
        not heard; on SQLite every commit, or those after which the query `sign` finds a row."""
        async with self.engine.connect() as held:
            # Never used through SQLAlchemy, so that no transaction hides what others commit.
            driver: Any = (await held.get_raw_connection()).driver_connection
            if self.sqlite:
                yield FileWatch(driver, sign)
                return
            try:
                await driver.set_autocommit(True)
                await driver.execute(f"LISTEN {channel}")
                yield ChannelWatch(driver, poll)
            finally:
                await held.invalidate()  # it listens, and must not go back to the pool

    async def close(self) -> None:
        await self.engine.dispose()


class Watch(Protocol):
    async def changed(self) -> list[str]:
        """Wait until there may be something new, or nothing was heard for a while; what was said about it."""
        ...


class FileWatch:
    """SQLite's `data_version` costs a twentieth of a query through SQLAlchemy, and is asked fifty times a second."""

    def __init__(self, driver: sqlite.OneHopConnection, sign: str | None = None) -> None:
        self._driver = driver
        self._sign = sign
        self._seen = -1

    async def changed(self) -> list[str]:
        while True:
            if await self._driver.in_thread(self._look):
                return []
            await asyncio.sleep(_LOOK_EVERY)

    def _look(self) -> bool:
        raw = self._driver.raw
        version = int(raw.execute("PRAGMA data_version").fetchone()[0])
        changed, self._seen = version != self._seen, version
        return changed and (self._sign is None or raw.execute(self._sign).fetchone() is not None)


class ChannelWatch:
    """PostgreSQL's LISTEN. A pooler in between may swallow it, so it is not waited for without end."""

    def __init__(self, driver: "psycopg.AsyncConnection[Any]", poll: float) -> None:
        self._driver = driver
        self._poll = poll

    async def changed(self) -> list[str]:
        return [said.payload async for said in self._driver.notifies(timeout=self._poll, stop_after=1)]


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    # SQLAlchemy's "begin" event below opens transactions; the driver must not open its own.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", sqlite.BUSY_TIMEOUT):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
