"""The bot on Discord: one client for one attempt to be there. Everything it is told goes through the door."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import discord

from bots.discord_bot.door import Door
from bots.discord_bot.hearing import Heard
from bots.discord_bot.tree import command_tree, fingerprint
from core.cards.announcements import forget_space
from core.chat.told import commands_mark, commands_name, forget_told, read_told, tell, told_elsewhere
from core.work import SYSTEM, Core

log = logging.getLogger(__name__)


class Bot(discord.AutoShardedClient):
    """`guild_id`: the commands are for that server alone, where they change at once."""

    def __init__(
        self, core: Core, door: Door, guild_id: int | None, connected: Callable[[], None], **more: Any
    ) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            **more,
        )
        self._core = core
        self._door = door
        self._guild_id = guild_id
        self._connected = connected

    async def setup_hook(self) -> None:
        await self._sync()

    async def _sync(self) -> None:
        """Discord allows few changes of commands a day, so it hears of them only when they are news, or when it knows
        others than it was told."""
        application_id, tree = self.application_id or 0, command_tree()
        name = commands_name(str(application_id), self._guild_id)
        known = await self._core.ask(SYSTEM, read_told, name)
        if known == commands_mark(fingerprint(tree), await self._commands(application_id)):
            log.info("the commands are as Discord knows them")
        else:
            taken = await self._tell(application_id, self._guild_id, tree)
            await self._core.step(tell, name, commands_mark(fingerprint(tree), taken))
            log.info("told Discord the commands")
        for guild_id in await self._core.ask(SYSTEM, told_elsewhere, str(application_id), self._guild_id):
            # They would stand there twice.
            await self._tell(application_id, guild_id, [])
            await self._core.step(forget_told, commands_name(str(application_id), guild_id))

    async def _commands(self, application_id: int) -> Sequence[Any]:
        if self._guild_id is None:
            return await self.http.get_global_commands(application_id)
        return await self.http.get_guild_commands(application_id, self._guild_id)

    async def _tell(self, application_id: int, guild_id: int | None, tree: list[Any]) -> Sequence[Any]:
        if guild_id is None:
            return await self.http.bulk_upsert_global_commands(application_id, tree)
        return await self.http.bulk_upsert_guild_commands(application_id, guild_id, tree)

    async def on_ready(self) -> None:
        log.info("connected to Discord in %d servers, %d shards", len(self.guilds), self.shard_count or 1)
        self._connected()

    async def on_interaction(self, interaction: Heard) -> None:
        await self._door.take(interaction)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        gone = await self._core.act(SYSTEM, forget_space, "discord", str(channel.guild.id), str(channel.id))
        log.info("a channel was deleted, and %d cards with it", gone)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        gone = await self._core.act(SYSTEM, forget_space, "discord", str(guild.id))
        log.info("the bot left a server, and %d cards with it", gone)

    async def on_error(self, event_method: str, /, *_: object, **__: object) -> None:
        log.exception("%s failed", event_method)
