"""What the check-up says of the bot, and which other Discords the settings take."""

import pytest
from pydantic import ValidationError

from cli.demo.small_discord.rest import APPLICATION
from cli.demo.small_discord.server import SmallDiscord
from core.chat.told import commands_mark, commands_name, tell
from core.operations.chat import check_discord
from core.settings import Settings
from core.wiring import build_core
from tests.conftest import MakeSettings


async def test_the_doctor_says_what_the_bot_lacks_until_nothing_is_wrong(
    make_settings: MakeSettings, small: SmallDiscord
) -> None:
    core = build_core(make_settings(**small.settings))
    found = await check_discord(core)
    assert (found.ok, "never told the commands" in found.detail) == (False, True)
    small.told["commands"] = [{"name": "event", "version": "7"}, {"name": "me", "version": "5"}]
    await core.step(tell, commands_name(APPLICATION, None), commands_mark("print", small.commands))
    assert (await check_discord(core)).ok
    small.told["commands"][0]["version"] = "8"
    assert "other commands than it was told" in (await check_discord(core)).detail
    small.told["commands"][0]["version"] = "7"
    small.rights = str(1 << 10 | 1 << 11)
    assert "lacks Embed Links, Send Messages in Threads" in (await check_discord(core)).detail
    small.servers.clear()
    assert "in no server" in (await check_discord(core)).detail
    await core.db.close()


async def test_the_doctor_tells_a_wrong_token_from_a_discord_that_is_away(
    make_settings: MakeSettings, small: SmallDiscord
) -> None:
    wrong = build_core(make_settings(**small.settings | {"discord_bot_token": "wr0ng.t0ken"}))
    found = await check_discord(wrong)
    assert "does not accept the bot's token" in found.detail
    assert "wr0ng" not in found.model_dump_json()
    away = build_core(make_settings(**small.settings | {"discord_api_base_url": "http://127.0.0.1:9/api/v10"}))
    assert "does not answer" in (await check_discord(away)).detail
    for core in (wrong, away):
        await core.db.close()


@pytest.mark.parametrize("url", ["ws://discord.example/", "http://127.0.0.1/", "wss://", "ws://127.0.0.1.example/"])
def test_a_gateway_that_others_could_listen_to_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="wss://"):
        Settings(_env_file=None, discord_gateway_url=url)
