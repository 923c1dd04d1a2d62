"""What we compare with, on the same sink in the same run."""

import asyncio
import time

import aiohttp
import uvloop
from apprise import Apprise

_BODY = {"version": "1.0", "title": "Doors", "message": "Open at six.", "attachments": [], "type": "info"}


def raw_aiohttp(port: int, count: int, in_flight: int = 32) -> float:
    """Posts a second with nothing but aiohttp: what the machine gives."""

    async def run() -> float:
        numbers = iter(range(count))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def post() -> None:
                for number in numbers:
                    async with session.post(f"http://127.0.0.1:{port}/raw/{number}", json=_BODY) as answer:
                        await answer.read()

            began = time.perf_counter()
            await asyncio.gather(*(post() for _ in range(in_flight)))
            return count / (time.perf_counter() - began)

    return uvloop.run(run())


def stock_apprise(urls: list[str]) -> float:
    """Deliveries a second by Apprise as it comes: one object with all URLs, `async_notify`."""
    everyone = Apprise()
    for url in urls:
        everyone.add(url)

    async def run() -> float:
        began = time.perf_counter()
        await everyone.async_notify(title="Doors", body="Open at six.")
        return len(urls) / (time.perf_counter() - began)

    return asyncio.run(run())
