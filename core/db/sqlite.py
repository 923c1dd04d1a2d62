"""aiosqlite with one thread hop for each statement.

SQLAlchemy opens, executes, fetches and closes a cursor for every statement, and with aiosqlite each of the four is a
trip to the connection's thread: most of a short statement's cost. Here the statement runs and is fetched in one trip,
a transaction begins on the way of its first statement, and there is no trip to end one that nobody began.

Who writes waits for the file's lock on the event loop. SQLite's own wait would hold the connection's thread, and
nothing ends it early (`sqlite3_interrupt` does not): whoever is cancelled meanwhile would keep everybody behind them
waiting.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, repeat
from typing import Any, Self

import aiosqlite

BUSY_TIMEOUT = "busy_timeout=15000"
"""Of everything but the first statement of who writes."""
_PAUSES = (0.001, 0.002, 0.005, 0.01, 0.02)
_LONGEST_PAUSE = 0.05
_BUSY = object()


class _Cursor:
    """The part of a cursor that SQLAlchemy uses, with the rows already fetched."""

    arraysize = 1

    def __init__(self, connection: "OneHopConnection") -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Self:
        if sql.startswith("BEGIN"):
            self._connection.to_begin = sql
            return self
        return await self._run(partial(sqlite3.Connection.execute, self._connection.raw, sql, tuple(parameters)))

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> Self:
        return await self._run(partial(sqlite3.Connection.executemany, self._connection.raw, sql, parameters))

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []

    async def _run(self, statement: Callable[[], sqlite3.Cursor]) -> Self:
        connection = self._connection
        begin, connection.to_begin = connection.to_begin, ""
        lock_by, connection.lock_by = connection.lock_by, None

        def run() -> tuple[list[Any], Any, int, int | None]:
            if begin:
                connection.raw.execute(begin)
            cursor = statement()
            try:
                rows = cursor.fetchall() if cursor.description else []
                return rows, cursor.description, cursor.rowcount, cursor.lastrowid
            finally:
                cursor.close()

        answer = await (connection.in_thread(run) if lock_by is None else connection.when_free(run, lock_by))
        self._rows, self.description, self.rowcount, self.lastrowid = answer
        return self


class OneHopConnection(aiosqlite.Connection):
    """`in_thread` runs a function on the connection's own thread."""

    to_begin = ""
    """The BEGIN that goes along with the next statement. Until then nothing is read and no lock is held, with a plain
    one by SQLite's own rule."""
    lock_by: float | None = None
    """Until when the next statement, which writes, waits for the file's lock (`time.monotonic`)."""

    @property
    def raw(self) -> sqlite3.Connection:
        return self._conn

    async def commit(self) -> None:
        self.to_begin, self.lock_by = "", None
        if self.in_transaction:
            await super().commit()

    async def rollback(self) -> None:
        """The pool asks for one whenever a connection comes back."""
        self.to_begin, self.lock_by = "", None
        if self.in_transaction:
            await super().rollback()

    async def in_thread(self, function: Callable[[], Any]) -> Any:
        return await self._execute(function)  # type: ignore[no-untyped-call]

    async def when_free(self, function: Callable[[], Any], lock_by: float) -> Any:
        """As `in_thread`, of what takes the file's lock, and again while somebody else has it."""

        def attempt() -> Any:
            self.raw.execute("PRAGMA busy_timeout=0")
            try:
                return function()
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or self.raw.in_transaction or time.monotonic() >= lock_by:
                    raise
                return _BUSY
            finally:
                self.raw.execute(f"PRAGMA {BUSY_TIMEOUT}")

        for pause in chain(_PAUSES, repeat(_LONGEST_PAUSE)):
            answer = await self.in_thread(attempt)
            if answer is not _BUSY:
                break
            await asyncio.sleep(min(pause, max(0.0, lock_by - time.monotonic())))
        return answer

    def cursor(self) -> Any:
        return _Cursor(self)


def connect(database: str, **options: Any) -> OneHopConnection:
    """What SQLAlchemy calls instead of `aiosqlite.connect`."""
    connection = OneHopConnection(partial(sqlite3.connect, database, **options), iter_chunk_size=64)
    # As SQLAlchemy does for aiosqlite's own: a connection nobody closed must not keep the process alive.
    connection._thread.daemon = True  # noqa: SLF001
    return connection
