"""The same bot against a second Discord, which somebody else wrote: what ours would overlook, simcord may refuse."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import discord
import simcord

from bots.conversation.desk import Desk
from bots.conversation.verbs import BOOK
from bots.discord_bot.client import Bot
from bots.discord_bot.door import Door
from core.wiring import build_outbound
from tests.people import Town
from tests.web.conftest import RecordingSender


@dataclass
class Guild:
    """`staff` is a channel that hosts alone may look into: Alice and Dora."""

    channel: Any
    staff: Any
    alice: Any
    bob: Any
    dora: Any


@asynccontextmanager
async def guild_of(town: Town) -> AsyncIterator[Guild]:
    outbound = build_outbound(town.core)
    desk = Desk(town.core, replace(outbound, sender=cast("Any", RecordingSender())))
    bot = Bot(town.core, Door(desk), None, lambda: None, shard_count=1)
    async with simcord.run(bot) as env:
        guild = env.create_guild()
        role = guild.create_role("Hosts", permissions=discord.Permissions(manage_events=True, manage_guild=True))
        alice = guild.add_member(env.create_user("alice"), roles=[role])
        hidden, seen = discord.PermissionOverwrite(view_channel=False), discord.PermissionOverwrite(view_channel=True)
        assert guild.me is not None
        bots: Any = {guild.default_role: hidden, role: seen, guild.me: seen}
        general, staff = guild.create_text_channel("general"), guild.create_text_channel("staff", overwrites=bots)
        bob = guild.add_member(env.create_user("bob"))
        yield Guild(general, staff, alice, bob, guild.add_member(env.create_user("dora"), roles=[role]))


async def test_another_discord_takes_every_command_screen_and_form(town: Town) -> None:
    async with guild_of(town) as guild:
        await _walked(guild)


async def _walked(guild: Guild) -> None:
    alice, bob, channel = guild.alice, guild.bob, guild.channel
    assert set(alice.available_commands(channel)) == {" ".join(key) for key in BOOK.commands}
    ((choice), *_) = await alice.autocomplete(channel, "event create", "when", "tomorrow 7pm")
    form = await alice.slash(channel, "event create", name="Quiz")
    assert form.modal["title"] == "New event"
    preview = await alice.submit_modal(form, {"name": "Quiz", "when": choice["value"]})
    assert preview.response.ephemeral
    posted = await alice.click(preview.response, label="Post in #general")
    assert "Posted Quiz" in posted.response.embeds[0].description
    card = channel.last_message
    assert card.embeds[0].title == "Quiz"
    subscribed = await bob.click(card, label="Subscribe")
    assert "You'll hear about Quiz" in subscribed.response.embeds[0].description
    (event, *_) = await alice.autocomplete(channel, "event edit", "event", "Quiz")
    change = await alice.slash(channel, "event edit", event=event["value"])
    assert change.modal["title"] == "Edit event"
    for command in ("event list", "me subscriptions", "me channels", "soonish help"):
        answered = await alice.slash(channel, command)
        assert answered.response.embeds, command
    assert (await alice.slash(channel, "soonish settings")).modal["title"] == "This server"


async def test_what_stands_in_a_channel_for_some_is_listed_to_them_alone(town: Town) -> None:
    async with guild_of(town) as guild:
        preview = await guild.alice.slash(guild.staff, "event create", name="Staff party", when="tomorrow 7pm")
        posted = await guild.alice.click(preview.response, label="Post in #staff")
        assert "Posted Staff party" in posted.response.embeds[0].description
        assert await _listed(guild.bob, guild.channel) == (False, False)
        assert await _listed(guild.dora, guild.channel) == (True, True)


async def _listed(who: Any, channel: Any) -> tuple[bool, bool]:
    """Whether the list has it, and what is offered while one types."""
    answered = await who.slash(channel, "event list")
    offered = await who.autocomplete(channel, "event show", "event", "staff")
    return "Staff party" in answered.response.embeds[0].description, bool(offered)
