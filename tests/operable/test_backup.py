"""A backup made while messages go out, and what comes of it in an empty folder."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.db.models import Delivery
from core.errors import SoonishError
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.operations.backup import back_up, restore
from core.operations.pause import resume_sending
from core.operations.ring import ring_all
from core.settings import Settings
from core.temporal import Temporal
from core.wiring import build_core
from tests.conftest import MakeSettings
from tests.faults.test_worker_killed import crowd
from tests.people import OPERATOR, Clock, Town, until
from tests.servers import SmtpSink, TemporalServer, WebhookSink
from worker.main import working

PEOPLE = 600
IN_FLIGHT = 48


async def test_what_was_sent_before_a_backup_is_not_sent_again_and_what_waited_is(
    live: Town, live_settings: Settings, hooks: WebhookSink, tmp_path: Path
) -> None:
    event = await live.event()
    await crowd(live, (await live.row(event)).id, hooks, PEOPLE)
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Fan", body="out"))
    await hooks.wait_for(PEOPLE // 4, 20)
    file = tmp_path / "copy.db"
    await asyncio.to_thread(back_up, live_settings, file)
    assert file.stat().st_mode & 0o077 == 0
    assert (await live.settled(sent.id)).delivered == PEOPLE
    before = hooks.counts()
    hooks.requests.clear()

    fresh = live_settings.model_copy(
        update={
            "soonish_data": tmp_path / "fresh", "database_url": f"sqlite+aiosqlite:///{tmp_path}/fresh/soonish.db",
            "temporal_task_queue": f"{live_settings.temporal_task_queue}-fresh", "temporal_namespace": "soonish",
        }
    )  # fmt: skip
    fresh.__dict__.pop("database", None)  # worked out once, and copied
    with pytest.raises(SoonishError, match="keys"):
        await restore(fresh, file, OPERATOR)
    assert not (tmp_path / "fresh").exists()
    (tmp_path / "fresh").mkdir()
    (tmp_path / "fresh/secrets.json").write_text((live_settings.soonish_data / "secrets.json").read_text())
    done = await restore(fresh, file, OPERATOR)
    core = build_core(fresh)
    async with core.db.read() as session:
        delivered = select(func.count()).where(Delivery.status == "delivered", Delivery.notification_id == sent.id)
        settled = await session.scalar(delivered) or 0
    assert settled >= PEOPLE // 4 - IN_FLIGHT
    assert done.waiting >= PEOPLE - settled
    restored = Town(core, fresh, live.clock, live.alice, live.bob, live.carol)
    (tmp_path / "temporal").mkdir()
    async with TemporalServer(tmp_path / "temporal") as empty:
        started = fresh.model_copy(update={"temporal_url": empty.address})
        async with working(started, clock=live.clock, take_over=True):
            await core.act(OPERATOR, resume_sending)
            assert (await restored.settled(sent.id, 20)).delivered == PEOPLE
    await core.db.close()
    # Nothing that the backup knew as sent goes again; what it knew as waiting goes, this once.
    again = sum(number for path, number in hooks.counts().items() if path in before)
    assert again == PEOPLE - settled
    assert set(before) == {f"/{number}" for number in range(PEOPLE)}
    with pytest.raises(SoonishError, match="already"):
        await restore(fresh, file, OPERATOR)


async def test_an_empty_temporal_is_told_of_everything_that_lives(
    make_settings: MakeSettings, smtp: SmtpSink, clock: Clock, town: Town, tmp_path: Path
) -> None:
    event = await town.event(town.in_(days=3))
    for number in range(2):
        (tmp_path / f"temporal-{number}").mkdir()
        async with TemporalServer(tmp_path / f"temporal-{number}") as server:
            settings = make_settings(temporal_url=server.address, smtp_server=smtp.host, smtp_port=smtp.port)
            async with working(settings, clock=clock):
                temporal = Temporal(settings)
                status = await until(
                    lambda: temporal.event_status(event.id),  # noqa: B023 - called in this round only
                    lambda found: found is not None and len(found.scheduled) == 2,
                )
                assert status is not None


async def test_ringing_everything_twice_changes_nothing(live: Town, hooks: WebhookSink) -> None:
    event = await live.event()
    await live.follow(live.bob, event, await live.channel(live.bob, hooks.url("/b").replace("http:", "json:")))
    await hooks.wait_for(1)
    for _ in range(2):
        assert await live.core.act(OPERATOR, ring_all) >= 1
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Hi", body="All"))
    await live.settled(sent.id)
    assert len(hooks.requests) == 2


def test_postgresql_is_told_which_command_to_run(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings(database_url="postgresql+psycopg://u:hidden@db/soonish")
    with pytest.raises(SoonishError) as refused:
        back_up(settings, tmp_path / "x")
    assert "pg_dump --format=custom" in (refused.value.hint or "")
    assert "hidden" not in str(refused.value) + (refused.value.hint or "")


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00"])
async def test_a_file_that_is_no_backup_is_refused(make_settings: MakeSettings, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wrong").write_bytes(content)
    settings = make_settings(soonish_data=tmp_path / "empty", secret_key="s" * 32, encryption_keys="k")
    with pytest.raises(SoonishError, match="no backup"):
        await restore(settings, tmp_path / "wrong", OPERATOR)
    assert not (tmp_path / "empty").exists()


async def test_a_wrong_secret_is_noticed_before_anything_is_there(town: Town, tmp_path: Path) -> None:
    back_up(town.settings, tmp_path / "copy.db")
    (tmp_path / "new").mkdir()
    secrets = (town.settings.soonish_data / "secrets.json").read_text()
    (tmp_path / "new/secrets.json").write_text(secrets.replace('"secret_key": "', '"secret_key": "x'))
    settings = town.settings.model_copy(update={"soonish_data": tmp_path / "new", "database_url": None})
    settings.__dict__.pop("database", None)
    with pytest.raises(SoonishError, match="SECRET_KEY"):
        await restore(settings, tmp_path / "copy.db", OPERATOR)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["secrets.json"]
