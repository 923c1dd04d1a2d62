"""The cast: alice organises, bob subscribes, carol is a stranger. And a stack with all its real parts."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import select

from core.accounts.users import vouch
from core.db.models import Event
from core.delivery.channels import read_channel
from core.events.model import EventView, NewEvent
from core.events.usecases import create_event
from core.identities.direct import direct_channel
from core.integrations.usecases import store_integration
from core.notifications.model import Report
from core.notifications.usecases import report
from core.pages import PageRequest
from core.settings import Settings
from core.subscriptions.join import subscribe_by_channel
from core.subscriptions.model import SubscribeByChannel, Subscribed, SubscriptionView
from core.work import Actor, Core, Work

T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T]], reached: Callable[[T], bool], seconds: float = 25.0) -> T:
    """Look again until the condition holds, and fail with what was seen last."""
    found = await look()
    try:
        async with asyncio.timeout(seconds):
            while not reached(found):
                await asyncio.sleep(0.02)
                found = await look()
    except TimeoutError:
        raise AssertionError(f"after {seconds:g} s: {found}") from None
    return found


OPERATOR = Actor(None, "cli")
EVERYTHING = PageRequest(limit=1000)


@dataclass
class Clock:
    """The real clock, set forward or back by `shift`."""

    shift: dt.timedelta = field(default_factory=dt.timedelta)

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.shift


@dataclass
class Person:
    name: str
    email: str
    actor: Actor
    token: str


@dataclass
class Town:
    """A core with its people."""

    core: Core
    settings: Settings
    clock: Clock
    alice: Person
    bob: Person
    carol: Person

    def in_(self, **ahead: float) -> dt.datetime:
        """That far from now, in whole seconds."""
        return (self.clock.now() + dt.timedelta(**ahead)).replace(microsecond=0)

    async def event(self, start: dt.datetime | None = None, **more: object) -> EventView:
        new = NewEvent.model_validate({"name": "Launch party", "start_date": start or self.in_(days=3), **more})
        return await self.core.act(self.alice.actor, create_event, new)

    async def channel(self, person: Person, url: str, name: str = "Hook", tag: str = "hook") -> int:
        """A saved webhook of that person, without the test that the API would send."""
        view = await self.core.act(person.actor, store_integration, read_channel(url), name, tag, confirmed=True)
        return view.id

    async def follow(self, person: Person, event: EventView, *integration_ids: int) -> list[SubscriptionView]:
        request = SubscribeByChannel(integration_ids=list(integration_ids) or None)
        answer = await self.core.act(person.actor, subscribe_by_channel, event.id, request)
        return answer.subscriptions

    async def report(self, notification_id: int) -> Report:
        return await self.core.ask(self.alice.actor, report, notification_id, EVERYTHING)

    async def settled(self, notification_id: int, seconds: float = 30.0) -> Report:
        """The report once nothing of it waits."""
        return await until(lambda: self.report(notification_id), lambda found: not found.waiting, seconds)

    async def row(self, event: EventView) -> Event:
        async with self.core.db.read() as session:
            return (await session.scalars(select(Event).where(Event.public_id == event.id))).one()


async def people_of(core: Core, settings: Settings, clock: Clock) -> Town:
    async def person(name: str) -> Person:
        email = f"{name}@example.org"
        issued = await core.act(OPERATOR, vouch, email, display_name=name.title(), timezone="Europe/Berlin")
        return Person(name, email, Actor(issued.user_id, "api"), issued.token)

    return Town(core, settings, clock, await person("alice"), await person("bob"), await person("carol"))


async def follow_by_direct_message(work: Work, public_id: str) -> Subscribed:
    """What a press on Subscribe does, in one transaction: the channel, if there is none yet, and the subscription."""
    channel = await direct_channel(work)
    return await subscribe_by_channel(work, public_id, SubscribeByChannel(integration_ids=[channel.id]))
