"""How quickly the public pages come and what they weigh, from a web process of its own over a real socket."""

import asyncio
import time
from urllib.parse import urlsplit

from bench.product import Product, product, sink
from bench.rows import Row, spread

TIMES = 200
CONNECTIONS = 8
SECONDS = 3.0


async def pages() -> list[Row]:
    async with sink() as far, product(far.smtp) as soonish:
        event = await soonish.event()
        for number in range(3):
            body = {"title": f"News {number}", "body": "Doors open at six, films start when it is dark. " * 4}
            await soonish.call("POST", f"/api/events/{event}/notify", body)
        rows = []
        for name, path in (("landing page", "/"), ("event page", f"/e/{event}"), ("calendar file", f"/e/{event}.ics")):
            took, weight = await _fetched(soonish, path)
            rows += [*spread(f"{name}, uncached", took), Row(f"{name}, weight", weight / 1024, "KB")]
        rows.append(Row("event page, unchanged (304)", await _unchanged(soonish, f"/e/{event}"), "per s"))
        first, weight = await _fetched(soonish, f"/e/{event}/card.png", times=1)
        again, _ = await _fetched(soonish, f"/e/{event}/card.png")
        rows += [Row("card, first drawn", first[0], "ms"), *spread("card, again", again)]
        return [*rows, Row("card, weight", weight / 1024, "KB")]


async def _fetched(soonish: Product, path: str, times: int = TIMES) -> tuple[list[float], int]:
    """Milliseconds of each, one after another, and the bytes of one."""
    took, weight = [], 0
    for _ in range(times):
        began = time.perf_counter()
        async with soonish.session.get(soonish.url + path) as answer:
            answer.raise_for_status()
            weight = len(await answer.read())
        took.append((time.perf_counter() - began) * 1000)
    return took, weight


async def _unchanged(soonish: Product, path: str) -> float:
    """Answers a second to browsers that hold the current page."""
    async with soonish.session.get(soonish.url + path) as answer:
        tag = answer.headers["ETag"]
    until = time.monotonic() + SECONDS
    counts = await asyncio.gather(*(_asking(soonish.url, path, tag, until) for _ in range(CONNECTIONS)))
    return sum(counts) / SECONDS


async def _asking(url: str, path: str, tag: str, until: float) -> int:
    """By a bare connection: a whole HTTP client would be what is measured."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    request = f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nIf-None-Match: {tag}\r\n\r\n".encode()
    count = 0
    while time.monotonic() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 304"), head
        count += 1
    writer.close()
    return count
