"""Cards on the small Discord, and a keeper of them."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator

from sqlalchemy import select

from cli.demo.small_discord.rest import DiscordRest, Payload
from core.cards.announcements import announce, card_for
from core.cards.hands import hands
from core.cards.model import Posted, Space
from core.cards.on_discord import discord_card
from core.db.models import EventAnnouncement
from core.delivery.hosts import Hosts
from core.delivery.policy import DestinationPolicy
from core.delivery.sender import Sender
from core.events.changes import change_event
from core.events.model import EventChange, EventView
from core.settings import Settings
from tests.people import Town, until
from worker.cards import CardKeeper

GENERAL = Space(platform="discord", tenant_id="500", channel_id="600")


@contextlib.asynccontextmanager
async def keeping(town: Town, settings: Settings, hosts: Hosts | None = None) -> AsyncIterator[CardKeeper]:
    """A keeper of the town's cards, as the worker runs it."""
    sender = Sender(settings, DestinationPolicy())
    await sender.start()
    keeper = CardKeeper(town.core, hands(settings, sender), hosts or Hosts(32))
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await sender.close()


async def announced(town: Town, discord: DiscordRest, event: EventView, space: Space = GENERAL) -> str:
    card = await town.core.ask(town.alice.actor, card_for, event.id, space)
    message_id = discord.posted(space.channel_id, discord_card(card))
    posted = Posted(space=space, message_id=message_id, card=card)
    await town.core.act(town.alice.actor, announce, event.id, posted)
    return message_id


async def card_row(town: Town, message_id: str) -> EventAnnouncement:
    query = select(EventAnnouncement).where(EventAnnouncement.message_id == message_id)
    async with town.core.db.read() as session:
        return (await session.scalars(query)).one()


async def due(keeper: CardKeeper) -> dict[int, dt.datetime]:
    return dict(keeper._due)


def words(payload: Payload) -> str:
    (embed,) = payload["embeds"]
    return f"{embed['title']}\n{embed['description']}"


async def shows(discord: DiscordRest, message_id: str, text: str) -> Payload:
    async def look() -> Payload:
        return discord.messages[message_id].shown

    return await until(look, lambda shown: text in words(shown))


async def rename(town: Town, event: EventView, name: str) -> None:
    await town.core.act(town.alice.actor, change_event, event.id, EventChange(name=name))
