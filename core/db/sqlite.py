"""aiosqlite with one thread hop for each statement.

SQLAlchemy opens, executes, fetches and closes a cursor for every statement, and with aiosqlite each of the four is a
trip to the connection's thread: most of a short statement's cost. Here the statement runs and is fetched in one trip,
a transaction begins on the way of its first statement, and there is no trip to end one that nobody began.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Self

import aiosqlite


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
        begin, self._connection.to_begin = self._connection.to_begin, ""

        def run() -> tuple[list[Any], Any, int, int | None]:
            if begin:
                self._connection.raw.execute(begin)
            cursor = statement()
            try:
                rows = cursor.fetchall() if cursor.description else []
                return rows, cursor.description, cursor.rowcount, cursor.lastrowid
            finally:
                cursor.close()

        self._rows, self.description, self.rowcount, self.lastrowid = await self._connection.in_thread(run)
        return self


class OneHopConnection(aiosqlite.Connection):
    """`in_thread` runs a function on the connection's own thread."""

    to_begin = ""
    """The BEGIN that goes along with the next statement. Until then nothing is read and no lock is held, with a plain
    one by SQLite's own rule."""

    @property
    def raw(self) -> sqlite3.Connection:
        return self._conn

    async def commit(self) -> None:
        self.to_begin = ""
        if self.in_transaction:
            await super().commit()

    async def rollback(self) -> None:
        """The pool asks for one whenever a connection comes back."""
        self.to_begin = ""
        if self.in_transaction:
            await super().rollback()

    async def in_thread(self, function: Callable[[], Any]) -> Any:
        return await self._execute(function)  # type: ignore[no-untyped-call]

    def cursor(self) -> Any:
        return _Cursor(self)


def connect(database: str, **options: Any) -> OneHopConnection:
    """What SQLAlchemy calls instead of `aiosqlite.connect`."""
    connection = OneHopConnection(partial(sqlite3.connect, database, **options), iter_chunk_size=64)
    # As SQLAlchemy does for aiosqlite's own: a connection nobody closed must not keep the process alive.
    connection._thread.daemon = True  # noqa: SLF001
    return connection
