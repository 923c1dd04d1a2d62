"""`soonish db copy`: from SQLite to PostgreSQL, with a proof; refused whenever it would be half a copy."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import delete, text

from core.chat.installations import token_of
from core.db.alone import alone_on
from core.db.copy import BITE, copy_file
from core.db.engine import Database
from core.db.models import AuditEntry, ChatInstallation, OutboxRow, User
from core.errors import Code
from core.notifications.model import NewMessage
from core.notifications.usecases import report, send_message
from core.work import SYSTEM
from tests.core.look import refusal, table_sizes
from tests.people import EVERYTHING, Town
from tests.postgres import Postgres


async def test_everything_comes_over_unchanged_and_ids_go_on(town: Town, postgres: Postgres) -> None:
    event = await town.event(description="Grüße, “ünïcode” 🎉", end_date=town.in_(days=4))
    await town.follow(town.bob, event)
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    async with town.core.db.write() as session:
        many = [OutboxRow(event_id=1, signal="x", subject_id=n, created_at=town.clock.now()) for n in range(BITE + 5)]
        session.add_all(many)
        session.add(User(display_name="Old", merged_into=town.bob.actor.user_id, id=900, created_at=town.clock.now()))
        await session.flush()
        await session.execute(delete(OutboxRow).where(OutboxRow.id == many[-1].id))
        session.add(
            ChatInstallation(
                platform="slack", tenant_id="T0001", name="Beta", bot_token=town.core.keys.seal("xoxb-one"), scopes="",
                installed_at=town.clock.now(), created_at=town.clock.now(),
            )
        )  # fmt: skip
        said = {"b": [1, None], "a": "ä"}
        session.add(AuditEntry(via="x", action="x", subject="", outcome="", detail=said, created_at=town.clock.now()))
        (await session.get_one(User, town.bob.actor.user_id)).merged_into = 900
    gone = many[-1].id
    before = await table_sizes(town.core, without=())
    done: list[tuple[int, int]] = []
    with postgres.copy_of("migrated") as url:
        copied = await copy_file(_file(town), url, lambda *step: done.append(step))
        core = replace(town.core, db=Database(url))
        assert {each.table: each.rows for each in copied.tables} == before == await table_sizes(core, without=())
        assert done[-1] == (sum(before.values()), sum(before.values()))
        assert (await core.ask(town.alice.actor, report, sent.id, EVERYTHING)).waiting == 1
        assert await core.ask(SYSTEM, token_of, "slack", "T0001") == "xoxb-one"
        async with core.db.write() as session:
            row = OutboxRow(event_id=1, signal="x", subject_id=0, created_at=town.clock.now())
            session.add(row)
            await session.flush()
            assert row.id > gone  # although its row was gone
        await core.db.close()


def _file(town: Town) -> Path:
    assert town.settings.sqlite_file is not None
    return town.settings.sqlite_file


async def test_a_target_with_rows_or_without_tables_is_refused_and_stays_as_it_is(
    town: Town, postgres: Postgres
) -> None:
    with postgres.copy_of("migrated") as url:
        await copy_file(_file(town), url, lambda *_: None)
        again = await refusal(copy_file(_file(town), url, lambda *_: None), Code.CONFLICT)
        assert "has rows already: " in again.message
    with postgres.copy_of("template0") as url:
        bare = await refusal(copy_file(_file(town), url, lambda *_: None), Code.CONFLICT)
        assert (bare.message.partition(",")[0], "db upgrade" in (bare.hint or "")) == ("The target is not set up", True)


async def test_a_source_of_another_release_is_refused(town: Town, postgres: Postgres) -> None:
    async with town.core.db.write_rows() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with postgres.copy_of("migrated") as url:
        refused = await refusal(copy_file(_file(town), url, lambda *_: None), Code.CONFLICT)
    assert refused.message.startswith("The source is at revision 0000")


async def test_it_is_refused_while_a_worker_runs_on_the_source(town: Town, postgres: Postgres) -> None:
    with postgres.copy_of("migrated") as url, alone_on(_file(town)):
        refused = await refusal(copy_file(_file(town), url, lambda *_: None), Code.CONFLICT)
    assert refused.hint == "Stop it first; only PostgreSQL serves several."


async def test_only_a_file_goes_to_postgresql(town: Town, tmp_path: Path) -> None:
    await refusal(copy_file(tmp_path / "none.db", "postgresql+psycopg://x/y", lambda *_: None), Code.INVALID)
    await refusal(copy_file(_file(town), town.settings.database, lambda *_: None), Code.INVALID)


async def test_what_changes_on_the_way_is_noticed_and_nothing_is_kept(town: Town, postgres: Postgres) -> None:
    await town.event()
    with postgres.copy_of("migrated") as url:
        core = replace(town.core, db=Database(url))
        spoil = (
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'x'; RETURN NEW; END $$"
        )
        async with core.db.write_rows() as connection:
            await connection.execute(text(spoil))
            await connection.execute(
                text("CREATE TRIGGER spoil BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION spoil()")
            )
        refused = await refusal(copy_file(_file(town), url, lambda *_: None), Code.UNAVAILABLE)
        assert refused.message.startswith("events is not the same afterwards")
        assert not any((await table_sizes(core, without=())).values())
        await core.db.close()
