"""The bot itself, connected over real sockets to the small Discord, with a real core under it."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from sqlalchemy import select

from bots.conversation.desk import Desk
from bots.discord_bot.client import Bot
from bots.discord_bot.door import Door
from bots.discord_bot.main import point_at, stay
from cli.demo.small_discord.people import MANAGE_EVENTS, MANAGE_SERVER, SEND, VIEW, Person
from cli.demo.small_discord.rest import Sent
from cli.demo.small_discord.server import SmallDiscord
from core.db.models import Base
from core.settings import Settings
from core.wiring import Outbound, build_outbound
from tests.people import Town


@dataclass
class Server:
    """Alice manages events; Bob and Carol are members; Mallory is a stranger."""

    town: Town
    discord: SmallDiscord
    alice: Person
    bob: Person
    carol: Person
    mallory: Person

    async def rows(self, table: type[Base]) -> list[Any]:
        async with self.town.core.db.read() as session:
            return list(await session.scalars(select(table)))

    async def posted(self, **given: str) -> tuple[str, Sent]:
        """An event of Alice's, typed and posted here: its id, and its card."""
        preview = await self.alice.types("event create", **({"name": "Film night", "when": "tomorrow 7pm"} | given))
        await self.alice.presses(preview, "Post in #general")
        card = [each for each in self.discord.messages.values() if each.channel_id == self.alice.channel][-1]
        (event,) = re.findall(r"soonish:details:([\w-]+)", str(card.payload))
        return event, card

    async def created(self, **given: str) -> str:
        """An event of Alice's that was posted nowhere."""
        preview = await self.alice.types("event create", **({"name": "Film night", "when": "tomorrow 7pm"} | given))
        done = await self.alice.presses(preview, "just create")
        (event, *_) = re.findall(r"soonish:edit:([\w-]+)", str(done.shown))
        return str(event)


@dataclass
class Connected:
    """The bot's task, and how often it was ready."""

    task: "asyncio.Task[None]"
    ready: list[Bot]


def begin(town: Town, settings: Settings, outbound: Outbound) -> Connected:
    point_at(settings)
    door, ready = Door(Desk(town.core, outbound)), list[Bot]()

    def client(connected: Any) -> Bot:
        bot = Bot(town.core, door, None, connected)
        bot._connection.guild_ready_timeout = 0.05
        ready.append(bot)
        return bot

    return Connected(asyncio.create_task(stay(settings, client)), ready)


@pytest.fixture
async def small() -> AsyncIterator[SmallDiscord]:
    async with SmallDiscord() as discord:
        yield discord


@pytest.fixture
async def server(town: Town, small: SmallDiscord) -> AsyncIterator[Server]:
    settings = town.settings.model_copy(update=settings_for(small))
    outbound = build_outbound(town.core)
    sender = type(outbound.sender)(settings, outbound.policy)
    outbound = replace(outbound, sender=sender)
    await sender.start()
    connected = begin(town, settings, outbound)
    await small.wait_for_bot()
    await small.until(lambda: bool(small.commands), lambda: "no commands were told", 5)
    people = [Person(small, str(100 + at), name) for at, name in enumerate(("Alice", "Bob", "Carol", "Mallory"))]
    people[0].rights |= MANAGE_EVENTS
    try:
        yield Server(town, small, *people)
    finally:
        await end(connected.task)
        await sender.close()


async def end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def settings_for(small: SmallDiscord) -> dict[str, object]:
    found = Settings(_env_file=None, **cast("Any", small.settings))
    return {name: getattr(found, name) for name in small.settings}


__all__ = ["MANAGE_EVENTS", "MANAGE_SERVER", "SEND", "VIEW"]
