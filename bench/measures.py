"""What is measured. Each returns rows of (what, value, unit); ratios compare things of the same run."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.busy import busy
from bench.chat import chat
from bench.crowd import crowd
from bench.faults import faults, reminders
from bench.pages import pages
from bench.product import Product, Sink, product, sink
from bench.reading import compare
from bench.rivals import raw_aiohttp, stock_apprise
from bench.rows import Row
from bench.workers import carried_by

FANOUT = 10_000
MESSAGES = 40


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a message to `count` recipients, counted at the far end until it was quiet."""

    count: int
    arrived: int
    different: int
    seconds: float
    """From just before the request until the last of the different ones arrived."""

    @property
    def rate(self) -> float:
        return self.different / self.seconds

    def rows(self) -> list[Row]:
        return [
            Row("lost", self.count - self.different, "messages", must_be_zero=True),
            Row("doubled", self.arrived - self.different, "messages", must_be_zero=True),
        ]


async def fanout() -> list[Row]:
    """One message to ten thousand webhooks through the whole product, from cold, against what else there is."""
    async with sink() as far:
        loop = asyncio.get_running_loop()
        raw = await loop.run_in_executor(None, raw_aiohttp, far.http, FANOUT)
        stock_urls = [f"json://127.0.0.1:{far.http}/stock/{number}" for number in range(1_000)]
        stock = await loop.run_in_executor(None, stock_apprise, stock_urls)
        async with product(far.smtp) as soonish:
            event_id = await soonish.followed_by(FANOUT, f"json://127.0.0.1:{far.http}/hook/{{n}}")
            before = soonish.role_memory("worker")
            carried = await _carried(soonish, far, event_id, FANOUT)
            after = soonish.role_memory("worker")
    return [
        Row("raw aiohttp", raw, "per s"),
        Row("stock Apprise.async_notify", stock, "per s"),
        Row("Soonish, whole product", carried.rate, "per s"),
        Row("Soonish / raw aiohttp", carried.rate / raw, "ratio"),
        Row("Soonish / stock Apprise", carried.rate / stock, "ratio"),
        Row("worker memory before", before, "MB"),
        Row("worker memory after", after, "MB"),
        *carried.rows(),
    ]


async def mail() -> list[Row]:
    """One message to ten thousand addresses, against Apprise's own mailto."""
    async with sink() as far:
        loop = asyncio.get_running_loop()
        urls = [
            f"mailto://127.0.0.1:{far.smtp}/?from=a@example.org&to=n{number}@example.org&mode=insecure"
            for number in range(200)
        ]
        stock = await loop.run_in_executor(None, stock_apprise, urls)
        async with product(far.smtp) as soonish:
            event_id = await soonish.followed_by(FANOUT, "mailto://n{n}@example.org")
            carried = await _carried(soonish, far, event_id, FANOUT)
    return [
        Row("stock Apprise mailto", stock, "per s"),
        Row("Soonish, whole product", carried.rate, "per s"),
        Row("Soonish / stock mailto", carried.rate / stock, "ratio"),
        *carried.rows(),
    ]


async def latency() -> list[Row]:
    """From just before the request to the arrival of the first delivery, forty messages one after another."""
    async with sink() as far, product(far.smtp) as soonish:
        event_id = await soonish.followed_by(1, f"json://127.0.0.1:{far.http}/hook/1")
        waits = []
        await far.reset()
        for number in range(1, MESSAGES + 1):
            _, began = await soonish.notify(event_id)
            found = await far.until(number)
            waits.append((found["last"] - began) * 1000)
        arrived = (await far.quiet(1))["count"]
    ordered = sorted(waits)
    return [
        Row("accepted → first delivery, p50", statistics.median(ordered), "ms"),
        Row("accepted → first delivery, p95", ordered[int(len(ordered) * 0.95)], "ms"),
        Row("doubled", arrived - MESSAGES, "messages", must_be_zero=True),
    ]


async def workers() -> list[Row]:
    """One message to ten thousand webhooks on PostgreSQL, carried by one worker process and then by two."""
    rows, rates = [], []
    async with sink() as far:
        for number in (1, 2):
            found, seconds = await carried_by(number, far, FANOUT)
            carried = Carried(FANOUT, found["count"], found["different"], seconds)
            rates.append(carried.rate)
            rows += [Row(f"{number} worker{'s' * (number > 1)}", carried.rate, "per s"), *carried.rows()]
    return [*rows, Row("two workers / one", rates[1] / rates[0], "ratio")]


async def _carried(soonish: Product, far: Sink, event_id: str, count: int) -> Carried:
    await far.reset()
    _, began = await soonish.notify(event_id)
    found = await far.quiet(count)
    until = found["last_new"] or time.time()
    return Carried(count, found["count"], found["different"], until - began)


async def reading() -> list[Row]:
    """The phrases of the tests as we and the libraries read them, in hundredths, and the time one takes."""
    rows = []
    for name, (counts, each) in await asyncio.get_running_loop().run_in_executor(None, compare):
        known = ("right", "asked", "one of two", "guessed", "wrong", "raised")
        rows += [Row(f"{name}: {verdict}", counts[verdict] * 100 / counts.total(), "%") for verdict in known]
        rows.append(Row(f"{name}: a phrase", each, "ms"))
    silent = sum(row.value for row in rows if row.what in ("Soonish: wrong", "Soonish: guessed"))
    return [*rows, Row("Soonish, silently wrong", silent, "%", must_be_zero=True)]


MEASURES: dict[str, Callable[[], Awaitable[list[Row]]]] = {
    "fanout": fanout,
    "mail": mail,
    "latency": latency,
    "busy": busy,
    "chat": chat,
    "crowd": crowd,
    "pages": pages,
    "reading": reading,
    "workers": workers,
    "faults": faults,
    "reminders": reminders,
}
