"""A full disk: what cannot be kept is refused with words and leaves nothing half done, and pages still open."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event as listen

from tests.core.look import table_sizes
from tests.web.conftest import START, Stage

Fill = Callable[[], Awaitable[None]]
LONG = {"start_date": START, "description": "x" * 4_000}


@pytest.fixture
async def full(stage: Stage) -> AsyncIterator[Fill]:
    """Once called, the file grows no more, and SQLite says what it says on a full disk."""
    engine = stage.core.db.engine.sync_engine
    pages: list[int] = []

    def stop_growing(connection: Any, *_: Any) -> None:
        if pages:
            connection.cursor().execute(f"PRAGMA max_page_count = {pages[0]}")

    async def fill() -> None:
        async with stage.core.db.read_rows() as connection:
            pages.append((await connection.exec_driver_sql("PRAGMA page_count")).scalar_one())

    listen.listen(engine, "checkout", stop_growing)
    yield fill
    listen.remove(engine, "checkout", stop_growing)


async def test_a_full_disk_refuses_what_cannot_be_kept_and_leaves_nothing_half_done(stage: Stage, full: Fill) -> None:
    event = await stage.event()
    await full()
    for number in range(50):
        before = await table_sizes(stage.core, without=())
        answer = await stage.alice.post("/api/events", {"name": f"Film {number}", **LONG})
        if answer.status != 201:
            break
    assert (answer.status, answer.json["detail"]) == (503, "The database does not answer right now.")
    assert int(answer.headers["retry-after"]) > 0
    assert await table_sizes(stage.core, without=()) == before
    assert (await stage.visitor.get(f"/e/{event}")).status == 200
