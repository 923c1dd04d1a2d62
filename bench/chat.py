"""How long a person on Discord waits, until the press is acknowledged and until it is answered: at rest, while a
message goes out to ten thousand, with Temporal stopped. The bot is a process of the product; Discord is the small one,
over real sockets."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.product import product, sink
from bench.rows import Row, spread
from cli.demo.small_discord.people import Person
from cli.demo.small_discord.server import SmallDiscord

PEOPLE = 10_000
AT_REST = 3.0
"""Seconds; the same with Temporal stopped."""
_EACH_SECOND = 30


async def chat() -> list[Row]:
    async with SmallDiscord() as discord, sink() as far, product(far.smtp, **discord.environment) as soonish:
        await discord.wait_for_bot()
        event_id = await soonish.followed_by(PEOPLE, f"json://127.0.0.1:{far.http}/hook/{{n}}")
        crowd = Crowd(discord, event_id)
        at_rest = await crowd.until(_for(AT_REST))
        await far.reset()
        await soonish.notify(event_id)
        busy = await crowd.until(_coming(far.stats))
        found = await far.quiet(PEOPLE)
        os.kill(soonish.pid("temporal"), signal.SIGSTOP)
        stopped = await crowd.until(_for(AT_REST))
        os.kill(soonish.pid("temporal"), signal.SIGCONT)
    return [
        *_rows("at rest", at_rest),
        *_rows("busy", busy),
        *_rows("Temporal stopped", stopped),
        Row("lost", PEOPLE - found["different"], "messages", must_be_zero=True),
        Row("never answered", crowd.unanswered, "interactions", must_be_zero=True),
    ]


def _rows(when: str, waited: list["Waited"]) -> list[Row]:
    return [
        *spread(f"{when}: acknowledged", [each.acknowledged for each in waited]),
        *spread(f"{when}: answered", [each.answered for each in waited]),
    ]


@dataclass(frozen=True, slots=True)
class Waited:
    """Milliseconds from the press; the answer is what the person wanted to see."""

    acknowledged: float
    answered: float


class Crowd:
    """Everybody who presses is somebody new, whose account the press makes."""

    def __init__(self, discord: SmallDiscord, event_id: str) -> None:
        self._discord = discord
        self._event_id = event_id
        self._pressed = 0
        self.unanswered = 0

    async def until(self, over: Callable[[], Awaitable[bool]]) -> list[Waited]:
        presses: list[asyncio.Task[Waited | None]] = []
        while not await over():
            self._pressed += 1
            verb = ("subscribe", "details", "list")[self._pressed % 3]
            presses.append(asyncio.create_task(self._press(f"p{self._pressed}", verb)))
            await asyncio.sleep(1 / _EACH_SECOND)
        took = await asyncio.gather(*presses)
        self.unanswered += took.count(None)
        return [each for each in took if each is not None]

    async def _press(self, name: str, verb: str) -> Waited | None:
        person, began = Person(self._discord, str(10_000 + self._pressed), name), time.monotonic()
        try:
            talk = await person.sends(f"soonish:{verb}:{self._event_id}")
            return Waited(talk.seconds * 1000, (time.monotonic() - began) * 1000)
        except AssertionError:
            return None


def _for(seconds: float) -> Callable[[], Awaitable[bool]]:
    end = time.monotonic() + seconds

    async def over() -> bool:
        return time.monotonic() > end

    return over


def _coming(stats: Callable[[], Awaitable[dict[str, int]]]) -> Callable[[], Awaitable[bool]]:
    async def over() -> bool:
        return (await stats())["different"] >= PEOPLE

    return over
