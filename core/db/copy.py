"""Copying an SQLite file into an empty PostgreSQL database, and proving that nothing changed.

Rows are read and written in bites, so that memory does not grow with them. Both sides are then read once more in the
same order, and each table's rows are counted and hashed as the application sees them: instants, JSON, bytes.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Row, String, Table, collate, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db.alone import alone_on
from core.db.engine import Database
from core.db.migrate import head
from core.db.models import Base
from core.errors import Code, SoonishError, conflict, invalid

BITE = 1_000
"""Rows read, written and hashed at once."""
Progress = Callable[[int, int], None]
"""(rows done, rows in all)"""


class Proof(BaseModel):
    """What one table holds: `checksum` is SHA-256, shortened, over its rows in the order of their keys."""

    table: str
    rows: int
    checksum: str


class Copied(BaseModel):
    tables: list[Proof]


async def copy_file(path: Path, target_url: str, progress: Progress) -> Copied:
    """As `copy_database`, for a file that no worker works on, now or while it is copied."""
    source, target = Database(_url_of(path)), Database(target_url)
    try:
        with alone_on(path):
            return Copied(tables=await copy_database(source, target, progress))
    finally:
        await source.close()
        await target.close()


def _url_of(path: Path) -> str:
    if not path.is_file():
        raise invalid(f"There is no file {path}.", field="from", hint="It is soonish.db in SOONISH_DATA.")
    return f"sqlite+aiosqlite:///{quote(str(path.resolve()))}"


async def copy_database(source: Database, target: Database, progress: Progress) -> list[Proof]:
    """Copy everything; one proof for each table, the same on both sides, or a refusal that leaves the target empty."""
    if not source.sqlite or target.sqlite:
        raise invalid("This copies an SQLite file into PostgreSQL.", hint="Set DATABASE_URL=postgresql+psycopg://…")
    # The source's write lock: nobody changes it while it is read.
    async with source.write_rows() as reading, target.write_rows() as writing:
        await _refuse_unless_at_head(reading, "source")
        await _refuse_unless_at_head(writing, "target")
        await _refuse_unless_empty(writing)
        total, done = await _count(reading), 0
        for table in Base.metadata.sorted_tables:
            later = _self_references(table)
            async for bite in _bites(reading, table):
                rows = [dict(row._mapping) for row in bite]  # noqa: SLF001 - how SQLAlchemy names it
                await writing.execute(insert(table), [{**row, **dict.fromkeys(later)} for row in rows])
                done += len(rows)
                progress(done, total)
            for column in later:
                await _set_references(reading, writing, table, column)
            await _go_on_counting(reading, writing, table)
        return await _prove(reading, writing)


async def _refuse_unless_at_head(connection: AsyncConnection, which: str) -> None:
    try:
        found = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    except DBAPIError:
        found = None
    if found != head():
        raise conflict(
            f"The {which} is {'not set up' if found is None else f'at revision {found}'}, and this release wants "
            f"{head()}.",
            hint="Run soonish db upgrade with DATABASE_URL naming it.",
        )


async def _refuse_unless_empty(connection: AsyncConnection) -> None:
    filled = [
        table.name
        for table in Base.metadata.sorted_tables
        if (await connection.execute(select(table).limit(1))).first() is not None
    ]
    if filled:
        raise conflict(
            f"The target has rows already: {', '.join(filled)}.", hint="Copy into a database that was just upgraded."
        )


async def _count(connection: AsyncConnection) -> int:
    counts = [
        await connection.scalar(select(func.count()).select_from(table)) or 0 for table in Base.metadata.sorted_tables
    ]
    return sum(counts)


async def _bites(connection: AsyncConnection, table: Table) -> AsyncIterator[list[Row[*tuple[Any, ...]]]]:
    """In the order of the primary key, each bite beginning after the last one's end."""
    (key,) = table.primary_key.columns
    order: ColumnElement[Any] = key
    if connection.dialect.name == "postgresql" and isinstance(key.type, String):
        order = collate(key, "C")  # by bytes, as SQLite does
    query = select(table).order_by(order).limit(BITE)
    rows = list((await connection.execute(query)).all())
    while rows:
        yield rows
        last = rows[-1]._mapping[key.name]  # noqa: SLF001
        rows = list((await connection.execute(query.where(order > last))).all())


def _self_references(table: Table) -> list[str]:
    """Columns that name another row of the same table, which may come later."""
    return [key.parent.name for key in table.foreign_keys if key.column.table is table]


async def _set_references(reading: AsyncConnection, writing: AsyncConnection, table: Table, column: str) -> None:
    async for bite in _bites(reading, table):
        for row in bite:
            values = row._mapping  # noqa: SLF001
            if values[column] is not None:
                await writing.execute(table.update().where(table.c.id == values["id"]).values({column: values[column]}))


async def _go_on_counting(reading: AsyncConnection, writing: AsyncConnection, table: Table) -> None:
    """Ids go on after the largest that was ever given, to rows that are gone by now too."""
    query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    largest = await reading.scalar(query, {"name": table.name})
    if largest:
        await writing.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), largest)))


async def _prove(reading: AsyncConnection, writing: AsyncConnection) -> list[Proof]:
    proofs = []
    for table in Base.metadata.sorted_tables:
        before, after = await _proof(reading, table), await _proof(writing, table)
        if before != after:
            raise SoonishError(
                Code.UNAVAILABLE,
                f"{table.name} is not the same afterwards: {before.rows} rows before, {after.rows} after.",
                hint="Nothing was kept. Stop everything that writes, and copy again.",
            )
        proofs.append(after)
    return proofs


async def _proof(connection: AsyncConnection, table: Table) -> Proof:
    digest, count = hashlib.sha256(), 0
    async for bite in _bites(connection, table):
        for row in bite:
            digest.update(json.dumps([_plain(value) for value in row], sort_keys=True).encode() + b"\n")
        count += len(bite)
    return Proof(table=table.name, rows=count, checksum=digest.hexdigest()[:16])


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value.isoformat() if hasattr(value, "isoformat") else value
