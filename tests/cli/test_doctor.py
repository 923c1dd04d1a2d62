"""What the check-up says: each trouble by its own name, with what to do about it."""

import asyncio
import datetime as dt
import json
import os
import signal
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from core.contracts import EVENT_UPDATED
from core.db.models import OutboxRow
from core.operations.doctor import Findings, examine
from core.operations.pause import pause_sending
from core.operations.report import Finding
from core.settings import Settings
from core.wiring import build_core
from tests.cli.conftest import Terminal
from tests.people import OPERATOR, Clock, people_of, until
from tests.servers import SmtpSink, TemporalServer, WebhookSink, free_port
from worker.main import working
from worker.relay import Relay

MakeSettings = Callable[..., Settings]


def test_the_doctor_names_a_bad_setting_and_an_empty_database(terminal: Terminal) -> None:
    (found,) = diagnosis(terminal, SMTP_PORT="many")
    assert (found["name"], "SMTP_PORT" in found["detail"]) == ("settings", True)
    (terminal.data / "soonish.db").unlink()
    database = diagnosis(terminal)[0]
    assert (database["ok"], database["hint"]) == (False, "Run: soonish db upgrade")


def diagnosis(terminal: Terminal, **env: str) -> Any:
    quick = {"TEMPORAL_URL": "127.0.0.1:9", "SMTP_PORT": "9", "PUBLIC_BASE_URL": "http://127.0.0.1:9"}
    result = terminal.run("doctor", "--json", env=quick | env)
    assert result.exit_code == 1
    return json.loads(result.stdout)["findings"]


@pytest.fixture
def healthy(
    make_settings: MakeSettings, temporal: TemporalServer, smtp: SmtpSink, hooks: WebhookSink
) -> Callable[..., Settings]:
    """Settings with which nothing is wrong, but what the test names."""

    def make(**wrong: object) -> Settings:
        right: dict[str, object] = {
            "temporal_url": temporal.address,
            "smtp_server": smtp.host,
            "smtp_port": smtp.port,
            "public_base_url": hooks.address,
        }
        return make_settings(**right | wrong)

    return make


async def examined(settings: Settings) -> Findings:
    core = build_core(settings)
    try:
        return await examine(core)
    finally:
        await core.db.close()


def troubles(found: Findings) -> dict[str, Finding]:
    assert found.ok == all(each.ok for each in found.findings)
    return {each.name: each for each in found.findings if not each.ok}


async def test_the_doctor_is_content_when_everything_answers(healthy: MakeSettings) -> None:
    settings = healthy()
    async with working(settings):
        # A worker that has just started is seen once its first question has reached Temporal.
        found = await until(lambda: examined(settings), lambda found: found.ok)
    assert [each.name for each in found.findings] == [
        "database", "temporal", "worker", "mail", "site", "data", "keys", "sending"
    ]  # fmt: skip


PRODUCTION = {"soonish_env": "production", "secret_key": "s" * 32, "encryption_keys": "k"}


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("temporal", {"temporal_url": f"127.0.0.1:{free_port()}"}, "nobody listens"),
        ("temporal", {"temporal_namespace": "elsewhere"}, "elsewhere"),
        ("mail", {"smtp_port": free_port()}, "does not answer"),
        ("mail", {"smtp_security": "starttls"}, "does not answer"),
        ("site", {"public_base_url": f"http://127.0.0.1:{free_port()}"}, "does not answer"),
        ("site", {"public_base_url": "http://"}, "names no host"),
        ("site", {"public_base_url": "https://a.example/?x=1"}, "plain address"),
        ("site", PRODUCTION | {"public_base_url": "http://events.example.org"}, "must be https"),
        ("site", PRODUCTION | {"public_base_url": "https://localhost"}, "this machine only"),
        ("site", {"public_base_url": "http://localhost:8000", "slack_bot_token": "xoxb-1"}, "this machine only"),
        ("database", {"database_url": "sqlite+aiosqlite:////nowhere/soonish.db"}, "no folder /nowhere"),
        ("data", {"soonish_data": Path("/nowhere"), "secret_key": "s" * 32, "encryption_keys": "k"}, "/nowhere"),
    ],
)
async def test_the_doctor_names_each_problem_and_what_to_do(
    healthy: MakeSettings, name: str, wrong: dict[str, object], words: str
) -> None:
    found = await examined(healthy(**wrong))
    finding = next(each for each in found.findings if each.name == name)
    assert not found.ok
    assert not finding.ok
    assert words in finding.detail
    assert finding.hint


async def test_the_doctor_names_what_stands_in_the_database(healthy: MakeSettings, clock: Clock) -> None:
    settings = healthy(encryption_keys="new")
    core = build_core(healthy(encryption_keys="old"))
    await people_of(core, core.settings, clock)
    await core.act(OPERATOR, pause_sending)
    await core.db.close()
    found = troubles(await examined(settings))
    assert "missing from ENCRYPTION_KEYS" in found["keys"].detail
    assert "paused" in found["sending"].detail


async def commands_wait(settings: Settings, clock: Clock) -> None:
    """One command, for five minutes."""
    core = build_core(settings)
    town = await people_of(core, settings, clock)
    event = await town.row(await town.event())
    async with core.db.write() as session:
        await session.execute(update(OutboxRow).values(relayed_at=clock.now()))
        long_ago = clock.now() - dt.timedelta(minutes=5)
        session.add(OutboxRow(event_id=event.id, signal=EVENT_UPDATED, subject_id=event.id, created_at=long_ago))
    await core.db.close()


async def test_the_doctor_names_the_worker_only_when_it_is_the_worker_that_is_missing(
    healthy: MakeSettings, clock: Clock
) -> None:
    settings = healthy()
    found = troubles(await examined(settings))
    assert found == {"worker": found["worker"]}, "nothing waits yet"
    assert found["worker"].hint == "Run: soonish run worker"
    await commands_wait(settings, clock)
    found = troubles(await examined(settings))
    assert list(found) == ["worker", "sending"]
    assert "1 command waits" in found["sending"].detail


async def test_the_doctor_sends_nobody_for_a_worker_that_runs(healthy: MakeSettings, clock: Clock) -> None:
    settings = healthy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Relay, "run", lambda _: asyncio.Event().wait())
        async with working(settings):
            await commands_wait(settings, clock)
            found = troubles(await examined(settings))
    assert list(found) == ["sending"]
    assert "though a worker asked for work" in found["sending"].detail
    assert "log" in (found["sending"].hint or "")


async def test_temporal_that_hangs_is_named_and_nobody_is_sent_for_a_worker(
    healthy: MakeSettings, clock: Clock, tmp_path: Path
) -> None:
    async with TemporalServer(tmp_path / "hangs") as server:
        settings = healthy(temporal_url=server.address)
        await commands_wait(settings, clock)
        assert server.pid
        os.kill(server.pid, signal.SIGSTOP)
        # Until it has stopped: a signal alone is only on its way.
        await asyncio.to_thread(os.waitpid, server.pid, os.WUNTRACED)
        try:
            found = troubles(await examined(settings))
        finally:
            os.kill(server.pid, signal.SIGCONT)
    assert list(found) == ["temporal", "sending"]
    assert "takes connections and does not answer" in found["temporal"].detail
    assert (found["temporal"].hint or "").startswith("Restart Temporal")
    assert "once Temporal answers" in (found["sending"].hint or "")


async def test_temporal_that_is_gone_is_named_and_nobody_is_sent_for_a_worker(
    healthy: MakeSettings, clock: Clock
) -> None:
    settings = healthy(temporal_url=f"127.0.0.1:{free_port()}")
    await commands_wait(settings, clock)
    found = troubles(await examined(settings))
    assert list(found) == ["temporal", "sending"]
    assert (found["temporal"].hint or "").startswith("Start Temporal")


async def test_what_answers_in_temporals_place_is_told_from_temporal(healthy: MakeSettings, hooks: WebhookSink) -> None:
    found = troubles(await examined(healthy(temporal_url=f"127.0.0.1:{hooks.port}")))
    assert "not as Temporal does" in found["temporal"].detail
    assert "TEMPORAL_URL" in (found["temporal"].hint or "")


def test_giving_up_on_temporal_prints_nothing_but_the_findings(terminal: Terminal) -> None:
    """The client's own threads outlive a call that was given up; they must not have the last word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = terminal.process("doctor", TEMPORAL_URL=f"127.0.0.1:{silent.getsockname()[1]}", SMTP_PORT="9")
    assert (told.returncode, told.stderr) == (1, "")
    assert "does not answer in time" in told.stdout
    assert told.stdout.endswith("Something needs you.\n")


async def test_an_absent_database_is_named_and_not_made(healthy: MakeSettings, tmp_path: Path) -> None:
    settings = healthy(database_url=f"sqlite+aiosqlite:///{tmp_path}/other.db")
    found = troubles(await examined(settings))
    assert (found["database"].detail, found["database"].hint) == (
        f"there is no {tmp_path}/other.db yet", "Run: soonish db upgrade"
    )  # fmt: skip
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    ("revision", "words", "hint"),
    [("0000", "which this release does not know", "Run the newer release"), (None, "at nothing", "soonish db upgrade")],
)
async def test_a_database_of_another_release_is_told_from_one_that_is_behind(
    healthy: MakeSettings, revision: str | None, words: str, hint: str
) -> None:
    settings = healthy()
    assert settings.sqlite_file
    with sqlite3.connect(settings.sqlite_file) as database:
        database.execute("DELETE FROM alembic_version")
        if revision:
            database.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    database.close()
    found = troubles(await examined(settings))
    assert words in found["database"].detail
    assert hint in (found["database"].hint or "")
    assert "sending" not in found, "what stands in such a database cannot be told"


async def test_a_file_that_is_no_database_is_named(healthy: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be taken for one\n" * 100)
    found = troubles(await examined(healthy(database_url=f"sqlite+aiosqlite:///{tmp_path}/notes.txt")))
    assert "notes.txt cannot be read" in found["database"].detail


async def test_a_site_without_its_database_is_not_told_to_start(healthy: MakeSettings, hooks: WebhookSink) -> None:
    hooks.answer("/api/health", status=503, body='{"status":"down","database":"unreachable"}')
    site = troubles(await examined(healthy()))["site"]
    assert "cannot read its database" in site.detail
    assert "run web" not in (site.hint or "")
    for status in (404, 503):
        hooks.answer("/api/health", status=status)
        assert "is not Soonish, or a proxy" in troubles(await examined(healthy()))["site"].detail


async def test_the_doctor_notices_a_folder_that_others_can_read(healthy: MakeSettings, tmp_path: Path) -> None:
    settings = healthy()
    os.chmod(tmp_path, 0o755)  # noqa: S103
    (data,) = [each for each in (await examined(settings)).findings if each.name == "data"]
    assert (data.ok, "chmod" in (data.hint or "")) == (False, True)
