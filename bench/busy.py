"""What people wait for while a message goes out to ten thousand: a page and a command, beside the same at rest."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bench.product import product, sink
from bench.rows import Row, spread

PEOPLE = 10_000
AT_REST = 3.0
"""Seconds."""


async def busy() -> list[Row]:
    async with sink() as far, product(far.smtp) as soonish:
        event_id = await soonish.followed_by(PEOPLE, f"json://127.0.0.1:{far.http}/hook/{{n}}")

        async def page() -> None:
            async with soonish.session.get(f"{soonish.url}/e/{event_id}") as answer:
                answer.raise_for_status()
                await answer.read()

        async def command() -> None:
            await soonish.call("PATCH", f"/api/events/{event_id}", {"contact": f"Room {time.time()}", "notify": False})

        rest = time.monotonic() + AT_REST
        at_rest = await _both(page, command, lambda: _until(rest))
        await far.reset()
        await soonish.notify(event_id)
        during = await _both(page, command, lambda: _coming(far.stats))
        found = await far.quiet(PEOPLE)
    rows = []
    for name, (pages, commands) in (("at rest", at_rest), ("busy", during)):
        rows += [*spread(f"{name}: a page", pages), *spread(f"{name}: a command", commands)]
    return [
        *rows,
        Row("lost", PEOPLE - found["different"], "messages", must_be_zero=True),
        Row("doubled", found["count"] - found["different"], "messages", must_be_zero=True),
    ]


async def _until(moment: float) -> bool:
    return time.monotonic() < moment


async def _coming(stats: Callable[[], Awaitable[dict[str, int]]]) -> bool:
    return (await stats())["different"] < PEOPLE


async def _both(
    page: Callable[[], Awaitable[None]], command: Callable[[], Awaitable[None]], going: Callable[[], Awaitable[bool]]
) -> tuple[list[float], list[float]]:
    """In turns, thirty of each a second, for as long as it is going on: ms."""
    pages: list[float] = []
    commands: list[float] = []
    while await going():
        for what, took in ((page, pages), (command, commands)):
            began = time.perf_counter()
            await what()
            took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(1 / 30)
    return pages, commands
