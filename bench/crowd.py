"""A thousand people who follow an event by e-mail within ten seconds, and press their links within the next ten."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from sqlalchemy import select

from bench.product import Product, product, sink
from bench.rows import Row, spread
from core.db.models import Subscription
from core.tokens import ConfirmToken, confirm_token
from core.wiring import build_core

PEOPLE = 1_000
SECONDS = 10.0


async def crowd() -> list[Row]:
    async with sink() as far, product(far.smtp, SUBSCRIBE_PER_IP_HOUR=str(10 * PEOPLE)) as soonish:
        event_id = await soonish.event()
        await far.until(1)  # the organizer hears that it is live
        await far.reset()

        async def ask(number: int) -> None:
            guest = {"email": f"guest{number}@example.org"}
            async with soonish.session.post(f"{soonish.url}/api/events/{event_id}/subscribe", json=guest) as answer:
                answer.raise_for_status()

        asked, _ = await _arriving(ask)
        await far.until(PEOPLE)
        links = await _links(soonish)

        async def press(number: int) -> None:
            async with soonish.session.post(soonish.url + links[number]) as answer:
                answer.raise_for_status()

        pressed, began = await _arriving(press)
        found = await far.quiet(PEOPLE)
    return [
        *spread("follow", asked),
        *spread("press", pressed),
        Row("not answered", 2 * PEOPLE - len(asked) - len(pressed), "people", must_be_zero=True),
        Row("last one welcomed after the first press", (found["last"] or began) - began, "s"),
        Row("mails beside two for each", abs(found["count"] - 2 * PEOPLE), "", must_be_zero=True),
        Row("people without mail", PEOPLE - found["different"], "", must_be_zero=True),
    ]


async def _arriving(come: Callable[[int], Awaitable[None]]) -> tuple[list[float], float]:
    """Each at their own moment, whether or not those before were answered. What each took in ms, and when it began."""
    took: list[float] = []

    async def one(number: int) -> None:
        began = time.perf_counter()
        await come(number)
        took.append((time.perf_counter() - began) * 1000)

    began, tasks = time.time(), []
    for number in range(PEOPLE):
        tasks.append(asyncio.create_task(one(number)))
        await asyncio.sleep(max(0.0, began + (number + 1) * SECONDS / PEOPLE - time.time()))
    await asyncio.gather(*tasks, return_exceptions=True)
    return took, began


async def _links(soonish: Product) -> list[str]:
    """The pages that the mails lead to: their links are derived from the rows, and so are these."""
    core = build_core(soonish.settings)
    async with core.db.read() as session:
        rows = (await session.execute(select(Subscription.id, Subscription.requested_at))).all()
    await core.db.close()
    return [
        f"/c/{confirm_token(core.keys, ConfirmToken('subscription', row.id, int(row.requested_at.timestamp())))}"
        for row in rows
    ]
