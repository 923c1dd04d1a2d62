"""How the demo speaks: lines that say what happens, and promises that are looked at as they are made."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Line:
    """`act`: a heading. `step`: something happened. `wait`: something is waited for, until the next line. `promise`:
    something was checked, `ok` says how. `end`: the summary."""

    kind: Literal["act", "step", "wait", "promise", "end"]
    text: str
    link: str | None = None
    ok: bool | None = None
    data: dict[str, Any] = field(default_factory=dict)


Say = Callable[[Line], None]


class Stage:
    """Says lines and remembers which promises were kept."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.promises: list[tuple[str, bool]] = []

    def act(self, text: str) -> None:
        self._say(Line("act", text))

    def step(self, text: str, link: str | None = None, **data: Any) -> None:
        self._say(Line("step", text, link, data=data))

    def wait(self, text: str) -> None:
        self._say(Line("wait", text))

    def promise(self, text: str, ok: object, **data: Any) -> bool:
        """Something that must be true."""
        kept = bool(ok)
        self.promises.append((text, kept))
        self._say(Line("promise", text, ok=kept, data=data))
        return kept

    def end(self) -> bool:
        broken = [text for text, kept in self.promises if not kept]
        text = f"{len(self.promises) - len(broken)} of {len(self.promises)} promises kept."
        self._say(Line("end", text, ok=not broken, data={"broken": broken}))
        return not broken
