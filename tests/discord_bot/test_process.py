"""`soonish run discord` as a process of its own: it starts, is dropped, is killed, and is there again."""

import re
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cli.demo.small_discord.people import MANAGE_EVENTS, Person, read
from cli.demo.small_discord.rest import Refusal
from cli.demo.small_discord.server import GENERAL, SERVER, SmallDiscord
from cli.processes import NOT_AGAIN, free_port
from tests.bot_process import Process

ROOT = Path(__file__).parents[2]
FAR_SERVER = str(1 << 22)
"""Of the second of two shards."""


@pytest.fixture
def data(tmp_path: Path, migrated: Path) -> Path:
    shutil.copy(migrated, tmp_path / "soonish.db")
    return tmp_path


@asynccontextmanager
async def bot(data: Path, discord: SmallDiscord, **env: str) -> AsyncIterator[Process]:
    process = Process("discord", data, discord.environment | env)
    await process.start()
    try:
        yield process
    finally:
        await process.end()


def people(discord: SmallDiscord) -> tuple[Person, Person]:
    alice, bob = Person(discord, "101", "Alice"), Person(discord, "102", "Bob")
    alice.rights |= MANAGE_EVENTS
    return alice, bob


async def test_a_dropped_gateway_resumes_and_a_forgotten_session_begins_anew(data: Path, small: SmallDiscord) -> None:
    alice, _ = people(small)
    async with bot(data, small):
        await small.wait_for_bot()
        (session,) = small.gateway.live()
        await small.gateway.drop()
        missed = await small.interact(alice.payload(2, alice._typed("soonish help", {})))
        await session.dispatch("INTERACTION_CREATE", missed.payload)
        await small.until(lambda: session.resumed == 1, lambda: "not resumed", 15)
        assert "Create events" in read(await small.wait_for_talk(missed))
        assert len(small.gateway.identified) == 1
        await small.gateway.drop(forget=True)
        await small.until(lambda: len(small.gateway.identified) == 2, lambda: "not identified again", 25)
        await small.wait_for_bot()
        assert "Create events" in read(await alice.types("soonish help"))
    assert all(each["intents"] == 1 for each in small.gateway.identified)


async def test_buttons_from_before_a_kill_work_after_it_and_the_commands_are_told_once(
    data: Path, small: SmallDiscord
) -> None:
    alice, bob = people(small)
    async with bot(data, small) as process:
        await small.wait_for_bot()
        preview = await alice.types("event create", name="Quiz", when="tomorrow 7pm")
        await process.end(signal.SIGKILL)
        await process.start()
        await small.until(lambda: len(small.gateway.identified) == 2, lambda: "not back", 15)
        await small.wait_for_bot()
        assert "Posted Quiz" in read(await alice.presses(preview, "Post in #general"))
        (card,) = small.messages.values()
        assert "You'll hear about Quiz" in read(await bob.presses(card.payload, "Subscribe"))
    assert small.syncs == ["commands"]


async def test_a_discord_that_is_away_or_stumbles_at_the_start_is_waited_for(data: Path) -> None:
    small = SmallDiscord(free_port())
    async with bot(data, small) as process:
        await process.says("not reachable")
        small.gateway.break_handshakes = 1
        async with small:
            alice, _ = people(small)
            await small.wait_for_bot(25)
            assert "Create events" in read(await alice.types("soonish help"))
            assert await process.end() == 0


async def test_a_wrong_token_says_so_and_ends_for_good_without_showing_it(data: Path, small: SmallDiscord) -> None:
    process = Process("discord", data, small.environment | {"DISCORD_BOT_TOKEN": "wr0ng.t0ken"})
    await process.start()
    assert await process.wait() == NOT_AGAIN
    assert "Discord does not accept the bot's token" in process.log
    assert "wr0ng" not in process.log
    assert small.gateway.identified == []


async def test_two_shards_serve_their_servers_and_a_development_server_has_its_own_commands(data: Path) -> None:
    async with SmallDiscord(shards=2) as small:
        small.servers[FAR_SERVER] = {"3001": "far"}
        async with bot(data, small, DISCORD_GUILD_ID=SERVER):
            await small.wait_for_bot(30)
            assert small.syncs == [f"guilds/{SERVER}/commands"]
            alice, bob = people(small)
            bob.server, bob.channel = FAR_SERVER, "3001"
            assert "Create events" in read(await alice.types("soonish help"))
            assert "Create events" in read(await bob.types("soonish help"))


async def test_a_limit_is_waited_out_and_a_deleted_channel_forgotten(data: Path, small: SmallDiscord) -> None:
    alice, _ = people(small)
    async with bot(data, small) as process:
        await small.wait_for_bot()
        limit = Refusal(429, 0, {"Via": "1.1 google", "Retry-After": "0.2"}, {"retry_after": 0.2, "global": False})
        small.refuse(r"POST /channels/\d+/messages", limit, times=1)
        preview = await alice.types("event create", name="Quiz", when="tomorrow 7pm")
        assert "Posted Quiz" in read(await alice.presses(preview, "Post in #general"))
        small.refuse(r"POST /channels/\d+/messages", Refusal(403, 50013))
        preview = await alice.types("event create", name="Pub", when="tomorrow 7pm")
        refused = await alice.presses(preview, "Post in #general")
        assert re.search("created, but not posted.*View Channel", read(refused))
        gone = {"id": GENERAL, "guild_id": SERVER, "type": 0, "name": "general", "position": 0}
        await small.dispatch("CHANNEL_DELETE", gone | {"permission_overwrites": [], "parent_id": None})
        await process.says("1 cards with it")
