"""The app as the site serves it, with really signed requests from a small Slack, and a real core under it."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
import uvicorn
from sqlalchemy import select

from bots.slack_bot.app import endpoint
from cli.demo.small_slack.api import Sent
from cli.demo.small_slack.people import Person, Talk
from cli.demo.small_slack.server import SmallSlack
from cli.processes import free_port
from core.db.models import Base
from core.settings import Settings
from core.temporal import Temporal
from core.wiring import Outbound, build_outbound
from core.work import Core
from tests.people import Town
from web.app import create_app


@dataclass
class Workspace:
    """Alice, Bob and Carol are members, Ada administers, Gus is a guest, Mallory is of another workspace."""

    town: Town
    core: Core
    slack: SmallSlack
    alice: Person
    bob: Person
    carol: Person
    ada: Person
    gus: Person
    mallory: Person

    async def rows(self, table: type[Base]) -> list[Any]:
        async with self.town.core.db.read() as session:
            return list(await session.scalars(select(table)))

    async def previewed(self, text: str = "create Film night tomorrow 7pm") -> Any:
        return await (await self.alice.types(text)).message()

    async def posted(self, text: str = "create Film night tomorrow 7pm") -> tuple[str, Sent]:
        """An event of Alice's, typed and posted here: its id, and its card."""
        talk = await self.alice.presses(await self.previewed(text), "Post in #general")
        await talk.message()
        card = self.slack.in_channel()[-1]
        (event,) = re.findall(r"soonish:details:([\w-]+)", str(card.payload))
        return event, card

    async def created(self, text: str = "create Film night tomorrow 7pm") -> str:
        """An event of Alice's that was posted nowhere."""
        done = await (await self.alice.presses(await self.previewed(text), "just create")).message()
        (event, *_) = re.findall(r"soonish:edit:([\w-]+)", str(done))
        return str(event)

    async def says(self, who: Person, text: str) -> Any:
        return await (await who.types(text)).message()

    async def after(self, who: Person, on: Any, label: str, **more: Any) -> Any:
        talk: Talk = await who.presses(on, label, **more)
        return await talk.message()


@pytest.fixture
async def small() -> AsyncIterator[SmallSlack]:
    async with SmallSlack() as slack:
        yield slack
        assert slack.complaints == []


@contextlib.asynccontextmanager
async def app_core(town: Town, settings: dict[str, object]) -> AsyncIterator[tuple[Core, Outbound]]:
    """The town's core with these settings of the small Slack's app, and a sender that reaches it."""
    core = Core(town.settings.model_copy(update=checked(settings)), town.core.clock, town.core.db, town.core.keys)
    outbound = build_outbound(core)
    await outbound.sender.start()
    try:
        yield core, outbound
    finally:
        await outbound.sender.close()


@pytest.fixture
async def space(town: Town, small: SmallSlack) -> AsyncIterator[Workspace]:
    async with app_core(town, small.settings) as (core, outbound), serving(core, outbound) as port:
        small.target = f"http://127.0.0.1:{port}/slack/events"
        yield Workspace(town, core, small, *people_of(small))


@contextlib.asynccontextmanager
async def restarted(space: Workspace) -> AsyncIterator[None]:
    """As a process that remembers nothing."""
    async with serving(space.core, build_outbound(space.core)) as port:
        space.slack.target = f"http://127.0.0.1:{port}/slack/events"
        yield


def people_of(small: SmallSlack) -> list[Person]:
    members = [Person(small, f"U{101 + at}", name) for at, name in enumerate(("Alice", "Bob", "Carol"))]
    ada, gus = Person(small, "U201", "Ada", admin=True), Person(small, "U202", "Gus", guest=True)
    return [*members, ada, gus, Person(small, "U301", "Mallory", team="T9999")]


@contextlib.asynccontextmanager
async def serving(core: Core, outbound: Outbound, port: int | None = None) -> AsyncIterator[int]:
    """The site with the app in it, on a port of its own. Without its start and end: the core is somebody else's."""
    app = create_app(core, outbound, Temporal(core.settings), endpoint(core, outbound))
    port = port or free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", log_config=None, ws="none"))
    task = asyncio.create_task(server.serve())
    try:
        await reachable(port)
        yield port
    finally:
        server.should_exit = True
        await task


async def reachable(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.01)


def checked(values: dict[str, object]) -> dict[str, object]:
    found = Settings(_env_file=None, **cast("Any", values))
    return {name: getattr(found, name) for name in values}
