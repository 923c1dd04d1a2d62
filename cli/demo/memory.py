"""Servers on this machine that remember what reached them."""

import asyncio
from collections.abc import Callable


class Memory:
    """Wakes those who wait for something to arrive."""

    def __init__(self) -> None:
        self._arrived = asyncio.Event()

    def wake(self) -> None:
        self._arrived.set()

    async def until(self, reached: Callable[[], bool], what: Callable[[], str], seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not reached():
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise AssertionError(f"after {seconds:g} s: {what()}") from None
