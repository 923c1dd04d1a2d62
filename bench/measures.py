"""What is measured. Each returns rows of (what, value, unit); ratios compare things of the same run."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.product import Product, Sink, product, sink
from bench.rivals import raw_aiohttp, stock_apprise

FANOUT = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    value: float
    unit: str


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
            rate = await _rate(soonish, far, event_id, FANOUT)
            after = soonish.role_memory("worker")
    return [
        Row("raw aiohttp", raw, "per s"),
        Row("stock Apprise.async_notify", stock, "per s"),
        Row("Soonish, whole product", rate, "per s"),
        Row("Soonish / raw aiohttp", rate / raw, "ratio"),
        Row("Soonish / stock Apprise", rate / stock, "ratio"),
        Row("worker memory before", before, "MB"),
        Row("worker memory after", after, "MB"),
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
            rate = await _rate(soonish, far, event_id, FANOUT)
    return [
        Row("stock Apprise mailto", stock, "per s"),
        Row("Soonish, whole product", rate, "per s"),
        Row("Soonish / stock mailto", rate / stock, "ratio"),
    ]


async def latency() -> list[Row]:
    """From just before the request to the arrival of the first delivery, forty messages one after another."""
    async with sink() as far, product(far.smtp) as soonish:
        event_id = await soonish.followed_by(1, f"json://127.0.0.1:{far.http}/hook/1")
        waits = []
        for _ in range(40):
            await far.reset()
            _, began = await soonish.notify(event_id)
            found = await far.until(1)
            waits.append((found["first"] - began) * 1000)
    ordered = sorted(waits)
    return [
        Row("accepted → first delivery, p50", statistics.median(ordered), "ms"),
        Row("accepted → first delivery, p95", ordered[int(len(ordered) * 0.95)], "ms"),
    ]


async def _rate(soonish: Product, far: Sink, event_id: str, count: int) -> float:
    await far.reset()
    _, began = await soonish.notify(event_id)
    found = await far.until(count)
    assert found["count"] == count, f"{found['count']} arrived for {count}"
    return count / float(found["last"] - began)


MEASURES: dict[str, Callable[[], Awaitable[list[Row]]]] = {"fanout": fanout, "mail": mail, "latency": latency}
