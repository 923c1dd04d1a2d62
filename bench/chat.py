"""How long people wait in chat: at rest, while ten thousand webhooks go out of the same machine, and with Temporal
stopped. Each second some of them press something. The bot is a process of the product; the platform is the small one,
over real sockets, or (on Slack by requests) over signed HTTP to the site."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from bench.product import Product, product, sink
from bench.rows import Row, spread
from cli.demo.small_discord import people as on_discord
from cli.demo.small_discord.server import SmallDiscord
from cli.demo.small_slack import people as on_slack
from cli.demo.small_slack.server import SmallSlack

PEOPLE = 10_000
AT_REST = 3.0
"""Seconds; the same with Temporal stopped."""
_EACH_SECOND = 30


@dataclass(frozen=True, slots=True)
class Waited:
    """Milliseconds from the press; the answer is what the person wanted to see."""

    acknowledged: float
    answered: float


Press = Callable[[int, str], Awaitable[Waited]]
"""Somebody new, by their number, presses what that action says. Raises AssertionError where no answer comes."""


@dataclass(frozen=True, slots=True)
class Platform:
    environment: dict[str, str]
    connected: Callable[[Product], Awaitable[None]]
    press: Press


async def chat() -> list[Row]:
    rows: list[Row] = []
    for name, platform in (
        ("Discord", _discord()),
        ("Slack by a socket", _slack(by_socket=True)),
        ("Slack by requests", _slack(by_socket=False)),
    ):
        async with platform as there:
            rows += await _measured(name, there)
    return rows


async def _measured(name: str, there: Platform) -> list[Row]:
    async with sink() as far, product(far.smtp, **there.environment) as soonish:
        await there.connected(soonish)
        event_id = await soonish.followed_by(PEOPLE, f"json://127.0.0.1:{far.http}/hook/{{n}}")
        crowd = Crowd(there.press, event_id)
        at_rest = await crowd.until(_for(AT_REST))
        await far.reset()
        await soonish.notify(event_id)
        busy = await crowd.until(_coming(far.stats))
        found = await far.quiet(PEOPLE)
        os.kill(soonish.pid("temporal"), signal.SIGSTOP)
        stopped = await crowd.until(_for(AT_REST))
        os.kill(soonish.pid("temporal"), signal.SIGCONT)
    return [
        *_rows(f"{name}, at rest", at_rest),
        *_rows(f"{name}, busy", busy),
        *_rows(f"{name}, no Temporal", stopped),
        Row(f"{name}: lost", PEOPLE - found["different"], "messages", must_be_zero=True),
        Row(f"{name}: never answered", crowd.unanswered, "presses", must_be_zero=True),
    ]


def _rows(when: str, waited: list[Waited]) -> list[Row]:
    return [
        *spread(f"{when}: acknowledged", [each.acknowledged for each in waited]),
        *spread(f"{when}: answered", [each.answered for each in waited]),
    ]


@dataclass
class Crowd:
    """Everybody who presses is somebody new, whose account the press makes."""

    press: Press
    event_id: str
    unanswered: int = 0
    _pressed: int = field(default=0, init=False)

    async def until(self, over: Callable[[], Awaitable[bool]]) -> list[Waited]:
        presses: list[asyncio.Task[Waited | None]] = []
        while not await over():
            self._pressed += 1
            verb = ("subscribe", "details", "list")[self._pressed % 3]
            presses.append(asyncio.create_task(self._one(10_000 + self._pressed, f"soonish:{verb}:{self.event_id}")))
            await asyncio.sleep(1 / _EACH_SECOND)
        took = await asyncio.gather(*presses)
        self.unanswered += took.count(None)
        return [each for each in took if each is not None]

    async def _one(self, number: int, action: str) -> Waited | None:
        try:
            return await self.press(number, action)
        except AssertionError:
            return None


@contextlib.asynccontextmanager
async def _discord() -> AsyncIterator[Platform]:
    async with SmallDiscord() as discord:

        async def connected(_: Product) -> None:
            await discord.wait_for_bot()

        async def press(number: int, action: str) -> Waited:
            person, began = on_discord.Person(discord, str(number), f"p{number}"), time.monotonic()
            talk = await person.sends(action)
            return Waited(talk.seconds * 1000, (time.monotonic() - began) * 1000)

        yield Platform(discord.environment, connected, press)


@contextlib.asynccontextmanager
async def _slack(*, by_socket: bool) -> AsyncIterator[Platform]:
    async with SmallSlack() as slack:

        async def connected(soonish: Product) -> None:
            if by_socket:
                await slack.wait_for_app()
            else:
                slack.target = f"{soonish.url}/slack/events"

        async def press(number: int, action: str) -> Waited:
            person, began = on_slack.Person(slack, f"U{number}", f"p{number}"), time.monotonic()
            button = {"type": "button", "action_id": action, "text": {"text": "x"}}
            talk = await person.presses({"blocks": [{"type": "actions", "elements": [button]}]}, "x")
            await talk.message()
            return Waited(talk.ack.seconds * 1000, (time.monotonic() - began) * 1000)

        environment = {name: each for name, each in slack.environment.items() if by_socket or name != "SLACK_APP_TOKEN"}
        yield Platform(environment, connected, press)


def _for(seconds: float) -> Callable[[], Awaitable[bool]]:
    end = time.monotonic() + seconds

    async def over() -> bool:
        return time.monotonic() > end

    return over


def _coming(stats: Callable[[], Awaitable[dict[str, int]]]) -> Callable[[], Awaitable[bool]]:
    async def over() -> bool:
        return (await stats())["different"] >= PEOPLE

    return over
