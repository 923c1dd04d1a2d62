"""The schema: migrations and models are one, times are instants, ids are never given twice."""

import datetime as dt
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, event, inspect, select, text
from sqlalchemy.dialects import registry
from sqlalchemy.exc import IntegrityError, StatementError

from core.db.migrate import config_for, downgrade, head, is_current, upgrade
from core.db.models import Base, Delivery, Integration, ServiceFlag, Subscription, Token
from core.db.types import UtcDateTime
from core.notifications.owe import ACTIVE
from core.notifications.rows import due_rows, next_due
from core.work import Core
from tests.core.look import rows
from tests.people import Town
from tests.postgres import Postgres


def _url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def _tables(path: Path) -> set[str]:
    engine = create_engine(f"sqlite:///{path}")
    try:
        return set(inspect(engine).get_table_names()) - {"alembic_version", "sqlite_sequence"}
    finally:
        engine.dispose()


def test_migrations_go_up_down_to_nothing_and_up_again(tmp_path: Path) -> None:
    path = tmp_path / "per%cent.db"
    upgrade(_url(path))
    first = _tables(path)
    assert first == set(Base.metadata.tables)
    downgrade(_url(path), "base")
    assert _tables(path) == set()
    upgrade(_url(path))
    assert _tables(path) == first


def test_every_step_goes_down_and_up_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "soonish.db"
    script = ScriptDirectory.from_config(config_for(_url(path)))
    for step in reversed(list(script.walk_revisions())):
        upgrade(_url(path), step.revision)
        downgrade(_url(path), step.down_revision or "base")  # type: ignore[arg-type]
        upgrade(_url(path), step.revision)
    assert len(script.get_heads()) == 1
    assert script.get_current_head() == head()


def test_postgresql_goes_up_down_to_nothing_and_up_again_and_is_what_the_models_say(postgres: Postgres) -> None:
    with postgres.copy_of("template0") as url:
        for _ in range(2):
            upgrade(url)
            engine = create_engine(url)
            with engine.connect() as connection:
                context = MigrationContext.configure(connection, opts={"compare_type": True})
                assert compare_metadata(context, Base.metadata) == []
            downgrade(url, "base")
            assert inspect(engine).get_table_names() == ["alembic_version"]
            engine.dispose()


def test_only_a_database_at_the_newest_revision_needs_no_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "per%cent and #.db"
    assert not is_current(_url(path))
    assert not list(tmp_path.iterdir())
    upgrade(_url(path))
    assert is_current(_url(path))
    assert is_current(f"{_url(path)}?timeout=5")
    downgrade(_url(path), "base")
    assert not is_current(_url(path))
    assert not is_current("postgresql+psycopg://db/soonish")


def test_models_and_migrations_are_equal(migrated: Path) -> None:
    engine = create_engine(f"sqlite:///{migrated}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_every_numbered_table_never_gives_an_id_twice(migrated: Path) -> None:
    engine = create_engine(f"sqlite:///{migrated}")
    with engine.connect() as connection:
        found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        made = {row.name: row.sql for row in found}
    engine.dispose()
    for table in Base.metadata.sorted_tables:
        assert ("AUTOINCREMENT" in made[table.name]) is ("id" in table.columns), table.name


async def test_what_is_read_often_is_found_by_its_index(core: Core) -> None:
    """As SQLite plans it: an index that it passes over costs every insert and helps nobody."""
    page = select(Delivery).where(Delivery.notification_id == 1, Delivery.id > 7).order_by(Delivery.id).limit(50)
    wanted = [
        (page, "ix_deliveries_notification_id_id (notification_id=? AND id>?)"),
        (due_rows(1, 256, core.clock.now()), "ix_deliveries_open (notification_id=?)"),
        (next_due(1), "ix_deliveries_open (notification_id=?)"),
        (select(Subscription.id).where(Subscription.event_id == 1, ACTIVE), "ix_subscriptions_active (event_id=?)"),
    ]
    async with core.db.read_rows() as connection:
        for query, index in wanted:
            sql = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
            plan = [row.detail for row in await connection.execute(text(f"EXPLAIN QUERY PLAN {sql}"))]
            assert any(index in step for step in plan), plan
            assert not any(step.startswith(("SCAN deliveries", "SCAN subscriptions")) for step in plan), plan


async def test_an_id_is_not_given_again_after_its_row_was_erased(town: Town) -> None:
    hook = await town.channel(town.bob, "json://192.0.2.7/one")
    async with town.core.db.write() as session:
        await session.execute(delete(Integration).where(Integration.id == hook))
    assert await town.channel(town.bob, "json://192.0.2.7/two") > hook


async def test_foreign_keys_and_checks_are_enforced(core: Core) -> None:
    now = core.clock.now()
    for statement in (
        "INSERT INTO tokens (created_at, purpose, token_hash, user_id) VALUES (:now, 'api', 'x', 999)",
        "INSERT INTO deliveries (created_at, notification_id, destination, label, status, attempts, next_attempt_at) "
        "VALUES (:now, 1, 'x', 'x', 'lost', 0, :now)",
    ):
        with pytest.raises(IntegrityError):
            async with core.db.write() as session:
                await session.execute(text(statement), {"now": now.replace(tzinfo=None).isoformat(" ")})
    assert await rows(core, select(Token)) == []  # type: ignore[type-var]


async def test_a_naive_time_cannot_be_stored(core: Core) -> None:
    naive = dt.datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(StatementError, match="naive"):
        async with core.db.write() as session:
            session.add(ServiceFlag(name="x", value="x", set_at=naive))


async def test_an_instant_comes_back_as_the_same_instant_in_utc(core: Core) -> None:
    moment = dt.datetime(2026, 7, 1, 10, 0, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    async with core.db.write() as session:
        session.add(ServiceFlag(name="x", value="x", set_at=moment))
    async with core.db.read() as session:
        found = (await session.get_one(ServiceFlag, "x")).set_at
    assert found == moment
    assert found.tzinfo is dt.UTC


_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
_DAYS = (dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1))  # noqa: DTZ001


@given(st.datetimes(*_DAYS, timezones=_OFFSETS), st.sampled_from(["sqlite", "postgresql"]))
def test_any_instant_survives_the_way_to_a_database_and_back(moment: dt.datetime, name: str) -> None:
    kind, dialect = UtcDateTime(), registry.load(name)()
    back = kind.process_result_value(kind.process_bind_param(moment, dialect), dialect)
    assert back == moment
    assert back is not None
    assert back.utcoffset() == dt.timedelta(0)


async def test_sqlite_is_set_up_to_be_safe(core: Core) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 15000}
    async with core.db.read_rows() as connection:
        found = {name: (await connection.execute(text(f"PRAGMA {name}"))).scalar() for name in wanted}
    assert found == wanted


async def test_writes_take_the_lock_at_once_and_reads_do_not(core: Core) -> None:
    begun: list[str] = []

    def note(_c: object, _u: object, sql: str, *_: object) -> None:
        begun.append(sql)

    event.listen(core.db.engine.sync_engine, "before_cursor_execute", note)
    async with core.db.read() as session:
        await session.execute(text("SELECT 1"))
    async with core.db.write() as session:
        await session.execute(text("SELECT 1"))
    assert [sql for sql in begun if sql.startswith("BEGIN")] == ["BEGIN", "BEGIN IMMEDIATE"]
