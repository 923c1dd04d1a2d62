"""Health is red when and only when people are not served, and says so when messages wait."""

import pytest
from sqlalchemy import event as listens
from sqlalchemy import text

from core.operations.doctor import check_database
from tests.web.conftest import Stage


async def health(stage: Stage) -> tuple[int, str, str, str]:
    answer = await stage.visitor.get("/api/health")
    found = answer.json
    return answer.status, found["status"], found["database"], found["sending"]


@pytest.mark.parametrize("pragma", ["query_only=ON", "max_page_count=1"])
async def test_a_database_that_takes_no_writes_is_red(stage: Stage, pragma: str) -> None:
    """Read-only, and full: SQLite's own refusals."""
    engine = stage.core.db.engine.sync_engine
    await stage.core.db.engine.dispose()

    def hinder(connection: object, _: object) -> None:
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]

    listens.listen(engine, "connect", hinder)
    assert await health(stage) == (503, "down", "not_writable", "on")
    assert (await stage.visitor.get("/")).status == 200
    found = await check_database(stage.core)
    assert (found.ok, "takes no writes" in found.detail) == (False, True)


async def test_trying_a_write_leaves_nothing(stage: Stage) -> None:
    before = await stage.rows(but=())
    assert (await health(stage))[0] == 200
    assert await stage.rows(but=()) == before


async def test_what_nobody_fetches_is_late_and_people_are_served(stage: Stage) -> None:
    await stage.event()
    stage.clock.pass_(seconds=30)
    assert (await health(stage))[3] == "on"
    stage.app.state.site.backlog._asked_at = None
    stage.clock.pass_(seconds=31)
    assert await health(stage) == (200, "degraded", "ok", "late")
    async with stage.core.db.write() as session:
        await session.execute(text("UPDATE outbox SET relayed_at = created_at"))
        await session.execute(text("UPDATE deliveries SET status = 'delivered'"))
    stage.app.state.site.backlog._asked_at = None
    assert (await health(stage))[3] == "on"
