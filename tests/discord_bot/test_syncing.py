"""Discord is told the commands when they are news to it, and in one place only."""

from typing import Any, cast

from bots.discord_bot.client import Bot
from bots.discord_bot.door import Door
from bots.discord_bot.main import point_at
from cli.demo.small_discord.rest import TOKEN
from cli.demo.small_discord.server import SERVER, SmallDiscord
from core.wiring import build_core
from tests.conftest import MakeSettings

HERE = f"guilds/{SERVER}/commands"


async def test_commands_that_others_changed_are_told_again_and_those_told_elsewhere_taken_back(
    make_settings: MakeSettings, small: SmallDiscord
) -> None:
    settings = make_settings(**small.settings)
    core = build_core(settings)
    point_at(settings)

    async def start(guild_id: int | None) -> list[str]:
        """Where it told Discord something."""
        small.syncs.clear()
        async with Bot(core, Door(cast("Any", None)), guild_id, lambda: None) as bot:
            await bot.login(TOKEN)
        return list(small.syncs)

    assert await start(int(SERVER)) == [HERE]
    assert await start(int(SERVER)) == []
    small.told[HERE][0]["version"] = "1"
    assert await start(int(SERVER)) == [HERE]
    assert await start(None) == ["commands", HERE]
    assert (small.told[HERE], len(small.commands)) == ([], 3)
    assert await start(None) == []
    await core.db.close()
