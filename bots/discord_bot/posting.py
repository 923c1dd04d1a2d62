"""Putting a card into a channel, or among the server's own events: once, and what to do when Discord refuses."""

import asyncio
import hashlib
import logging
from collections import defaultdict
from typing import Any

import discord
from discord.http import Route

from bots.conversation.desk import Desk
from bots.conversation.screens import Answer, Post, Screen, Tried
from bots.discord_bot.hearing import Heard, in_thread, may_write_in, speaker_of
from bots.network import UNREACHABLE
from core.cards.model import CALENDAR
from core.cards.on_discord import discord_card, server_event

log = logging.getLogger(__name__)

_FULL = 30038
_NO_EVENTS = "I may not add to this server's events. Give me the permission Create Events, and press again."
_NO_MORE_EVENTS = "This server has as many events as Discord allows. Remove one, and press again."
_NO_CHANNEL = (
    "I may not write there. Give me View Channel, {sends} and Embed Links in that channel, or pick another one."
)
_YOU = "You may not write in that channel. It takes {sends} and Embed Links of you. Pick another one."


class CardPoster:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._calendars: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def post(self, interaction: Heard, post: Post) -> Answer:
        """The card goes out as the worker will edit it."""
        calendar = post.space.channel_id == CALENDAR
        if not calendar and not may_write_in(interaction, post.space.channel_id):
            return await self._desk.not_posted(post, _YOU.format(sends=_sends(interaction, post)))
        try:
            made = await (self._to_calendar if calendar else _to_channel)(interaction, post)
        except discord.HTTPException as error:
            log.info("a card was refused: %d, code %d", error.status, error.code)
            return await self._desk.not_posted(
                post, _why(error, _NO_EVENTS if calendar else _no_channel(interaction, post))
            )
        except UNREACHABLE as error:
            log.warning("a card did not reach Discord: %s", type(error).__name__)
            return await self._desk.not_posted(post, "Discord did not answer. Try again in a moment.")
        return await self._desk.posted(speaker_of(interaction), post, made)

    async def _to_calendar(self, interaction: Heard, post: Post) -> str:
        """Discord would take it twice, so it is looked for first: a second press, or the press after a crash, finds
        what the first one made."""
        http, server_id = interaction.client.http, int(post.space.tenant_id)
        payload = server_event(post.card, interaction.created_at)
        async with self._calendars[post.space.tenant_id]:
            route = Route("GET", "/guilds/{guild_id}/scheduled-events", guild_id=server_id)
            there = _ours(await http.request(route), str(interaction.application_id), post.card.page_url)
            if there is None:
                route = Route("POST", "/guilds/{guild_id}/scheduled-events", guild_id=server_id)
            else:
                path = "/guilds/{guild_id}/scheduled-events/{event_id}"
                route = Route("PATCH", path, guild_id=server_id, event_id=int(there))
            return str((await http.request(route, json=payload))["id"])


def tried(interaction: Heard, answer: Tried) -> Screen:
    """By what Discord has told of the server so far; nothing is said where it has not."""
    server = interaction.guild
    channel = server.get_channel(int(answer.channel_id)) if server and answer.channel_id.isdecimal() else None
    if server is None or channel is None or server.me is None:
        return answer.but(None)
    rights = channel.permissions_for(server.me)
    lacking = [name for name, given in (
        ("View Channel", rights.view_channel), ("Send Messages", rights.send_messages),
        ("Embed Links", rights.embed_links),
    ) if not given]  # fmt: skip
    return answer.but(f"I may not write there yet. Give me in that channel: {', '.join(lacking)}." if lacking else None)


async def _to_channel(interaction: Heard, post: Post) -> str:
    """Posted twice within minutes, it is the same message; after it was deleted, another one."""
    channel_id = post.space.channel_id
    key = f"{post.card.event_id}:{channel_id}:{post.instead_of}"
    payload: dict[str, Any] = discord_card(post.card) | {
        "nonce": hashlib.sha256(key.encode()).hexdigest()[:24],
        "enforce_nonce": True,
    }
    route = Route("POST", "/channels/{channel_id}/messages", channel_id=int(channel_id))
    return str((await interaction.client.http.request(route, json=payload))["id"])


def _ours(events: list[dict[str, Any]], application_id: str, page_url: str) -> str | None:
    for each in events:
        if each.get("creator_id") == application_id and (each.get("description") or "").endswith(f" {page_url}"):
            return str(each["id"])
    return None


def _no_channel(interaction: Heard, post: Post) -> str:
    return _NO_CHANNEL.format(sends=_sends(interaction, post))


def _sends(interaction: Heard, post: Post) -> str:
    """As Discord calls that permission."""
    return "Send Messages in Threads" if in_thread(interaction, post.space.channel_id) else "Send Messages"


def _why(error: discord.HTTPException, forbidden: str) -> str:
    if error.code == _FULL:
        return _NO_MORE_EVENTS
    if error.status in (403, 404):
        return forbidden
    return "Discord did not take it. Try again in a moment."
