"""The database: one engine, short write transactions that take the lock at once, reads that never block."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from core.db import sqlite

_WRITE = "soonish_write"


class Database:
    """`read()` and `write()` give a session in a transaction; leaving `write()` without an error commits.

    On SQLite writers of one process queue in order before they ask for the file's lock: SQLite's own busy handler
    is unfair, and a deferred BEGIN that upgrades later loses updates (measured: 280 of 320 increments).
    """

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.sqlite = url.startswith("sqlite")
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
        self._writing = self.engine.execution_options(**{_WRITE: True})
        self._writer = asyncio.Lock() if self.sqlite else contextlib.nullcontext()
        if self.sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Await nothing but its own statements inside: everybody else's writes wait."""
        async with self._writer, AsyncSession(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextlib.asynccontextmanager
    async def read_rows(self) -> AsyncIterator[AsyncConnection]:
        """A bare connection for hot paths that need rows, not objects."""
        async with self.engine.connect() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def write_rows(self) -> AsyncIterator[AsyncConnection]:
        async with self._writer, self._writing.begin() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def watch(self) -> AsyncIterator["Watch"]:
        """A cheap way to notice commits."""
        if not self.sqlite:
            yield Watch(None)
            return
        async with self.engine.connect() as held:
            # Never used through SQLAlchemy, so that no transaction hides what others commit.
            driver = (await held.get_raw_connection()).driver_connection
            yield Watch(cast("sqlite.OneHopConnection", driver))

    async def close(self) -> None:
        await self.engine.dispose()


class Watch:
    """Whether anybody has committed since it was last asked. PostgreSQL cannot tell and says yes every time.

    SQLite's `data_version` costs a twentieth of a query through SQLAlchemy, and is asked fifty times a second.
    """

    def __init__(self, driver: sqlite.OneHopConnection | None) -> None:
        self._driver = driver
        self._seen = -1

    async def changed(self) -> bool:
        driver = self._driver
        if driver is None:
            return True
        version = int(await driver.in_thread(lambda: driver.raw.execute("PRAGMA data_version").fetchone()[0]))
        changed, self._seen = version != self._seen, version
        return changed


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    # SQLAlchemy's "begin" event below opens transactions; the driver must not open its own.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
