"""What a chat demo does on every platform: it shows what people see, and waits for what must come."""

import re
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from cli.demo.props import until
from cli.demo.stage import Stage

SOON = 20.0
On = TypeVar("On")
"""A screen, a card or a message, as the platform's small server has it."""


class Telling(ABC, Generic[On]):
    """The card is what `card_now` answers, and changes under it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.slowest = 0.0

    @abstractmethod
    def read(self, on: On) -> str: ...

    @abstractmethod
    def appears(self, on: On) -> str:
        """As somebody reads it, in UTC: the platforms show times on each reader's own clock."""

    @abstractmethod
    def labels(self, on: On) -> list[str]:
        """Of its buttons and menus."""

    @abstractmethod
    def card_now(self) -> On: ...

    @abstractmethod
    def direct(self) -> list[On]:
        """Bob's direct messages."""

    def acknowledged(self) -> None:
        self.stage.promise(f"Everything was acknowledged within 3 s: {self.slowest:.3f} s at most", self.slowest < 3)

    def shows(self, who: str, on: On) -> None:
        lines = [who, *self.appears(on).splitlines()]
        if buttons := self.labels(on):
            lines.append(" ".join(f"[{each}]" for each in buttons))
        self.stage.step("\n      │ ".join(lines))

    def shows_card(self) -> None:
        self.shows("The card, for everybody", self.card_now())

    async def card_says(self, words: str, promise: str) -> None:
        async def look() -> bool:
            return words in self.read(self.card_now())

        self.stage.wait("The card is edited …")
        self.stage.promise(promise, await until(look, SOON))

    async def bob_reads(self, words: str, promise: str) -> None:
        """`words`: a pattern, in a direct message to him."""

        async def look() -> On | None:
            return next((each for each in self.direct() if re.search(words, self.read(each))), None)

        self.stage.wait("A direct message is on its way …")
        found = await until(look, SOON)
        if found:
            self.shows("Soonish, by direct message to Bob", found)
        self.stage.promise(promise, found)
