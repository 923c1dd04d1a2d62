"""`soonish run slack` as a process of its own, over a real socket: it starts, is dropped, is killed, is there again."""

import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cli.demo.small_slack.people import Person, read
from cli.demo.small_slack.server import SmallSlack
from cli.processes import NOT_AGAIN, free_port
from core.chat.installations import Grant, install
from core.settings import Settings
from core.wiring import build_core
from core.work import SYSTEM
from tests.bot_process import Process


@pytest.fixture
def data(tmp_path: Path, migrated: Path) -> Path:
    shutil.copy(migrated, tmp_path / "soonish.db")
    return tmp_path


@asynccontextmanager
async def bot(data: Path, slack: SmallSlack, **env: str) -> AsyncIterator[Process]:
    process = Process("slack", data, slack.environment | env)
    await process.start()
    try:
        yield process
    finally:
        await process.end()


async def test_commands_come_by_the_socket_with_temporal_away_and_again_after_it_was_dropped(
    data: Path, small: SmallSlack
) -> None:
    alice = Person(small, "U101", "Alice")
    away = f"127.0.0.1:{free_port()}"
    async with bot(data, small, TEMPORAL_URL=away, SLACK_CLIENT_ID="1.2", SLACK_CLIENT_SECRET="s3cret") as process:
        await small.wait_for_app()
        window = await (await alice.types("create")).opened()
        wrong = await alice.sends(window, name="Quiz", when="someday")
        assert list(wrong.ack.body["errors"]) == ["when"]
        preview = await (await alice.sends(window, name="Quiz", when="tomorrow 7pm")).opened()
        await small.drop()
        await small.until(lambda: small.connections == 2, lambda: process.log, 15)
        posted = await (await alice.presses(preview, "Post in #general")).opened()
        assert "Posted Quiz" in read(posted)
        assert await process.end() == 0
    for secret in ("ticket=secret", "xoxb", "xapp", "/respond/", "Quiz"):
        assert secret not in process.log


async def test_buttons_from_before_a_kill_work_after_it(data: Path, small: SmallSlack) -> None:
    alice = Person(small, "U101", "Alice")
    async with bot(data, small) as process:
        await small.wait_for_app()
        preview = await (await alice.types("create Quiz tomorrow 7pm")).message()
        await process.end(signal.SIGKILL)
        await small.until(lambda: not small.sockets, lambda: "the socket is still there", 5)
        await process.start()
        await small.wait_for_app()
        done = await (await alice.presses(preview, "just create")).message()
        assert "Created" in read(done)


async def test_a_workspace_that_adds_the_app_is_answered_by_a_process_that_runs_already(
    data: Path, small: SmallSlack
) -> None:
    zoe = Person(small, "U901", "Zoe", team="T2002", workspace="T2002")
    core = build_core(Settings(_env_file=None, soonish_data=data))
    process = Process("slack", data, small.installable_environment)
    await process.start()
    try:
        await small.wait_for_app()
        said = await zoe.types("list")
        assert "not in this workspace any more" in str(said.ack.body) + str(said.messages)
        grant = Grant(
            platform="slack", tenant_id="T2002", name="Beta", token=small.grants.give("T2002", "Beta"), scopes=""
        )
        await core.act(SYSTEM, install, grant)
        assert "No events yet" in read(await (await zoe.types("list")).message())
        small.grants.end("T2002")
        await zoe.happens({"type": "app_uninstalled"})
        await process.says("the app was removed from a workspace")
        said = await zoe.types("list")
        assert "not in this workspace any more" in str(said.ack.body) + str(said.messages)
    finally:
        await process.end()
        await core.db.close()
    assert "xox" not in process.log


async def test_a_token_that_slack_does_not_accept_ends_it_with_what_to_do(data: Path, small: SmallSlack) -> None:
    async with bot(data, small, SLACK_APP_TOKEN="xapp-wrong") as process:
        assert await process.wait() == NOT_AGAIN
    assert "SLACK_APP_TOKEN" in process.log
    assert "xapp-wrong" not in process.log


async def test_it_waits_for_a_slack_that_is_away(data: Path) -> None:
    slack = SmallSlack()
    async with bot(data, slack) as process:
        await process.says("Slack is not reachable")
        async with slack:
            await slack.wait_for_app()
            bob = Person(slack, "U102", "Bob")
            assert "Create events" in read(await (await bob.types("help")).message())


def test_a_base_that_others_could_listen_in_on_is_refused() -> None:
    with pytest.raises(ValueError, match="https"):
        Settings(_env_file=None, slack_api_base_url="http://slack.example/api/")
