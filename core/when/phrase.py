"""From text to atoms, and what a phrase can hold. Every atom is consumed by a part that understands it, or refused."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Literal, NamedTuple

from core.errors import SoonishError, invalid
from core.when import words as w

LONGEST = 120
_INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), 0x2060, 0xFEFF])
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MERIDIEM = re.compile(r"\b([ap])\s?\.\s?m\b\.?")
_ATOM = re.compile(
    r"<t:(?P<stamp>-?\d{1,12})(?::[a-z])?>|(?P<path>[a-z]+(?:/[a-z0-9_+\-]*[a-z0-9])+)|(?P<num>\d+)"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)|(?P<sym>\S)",
    re.ASCII | re.IGNORECASE,
)
_SPACE = ("", " ")
_ATOM_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


class Atom(NamedTuple):
    kind: Literal["stamp", "path", "own", "num", "word", "sym", "end"]
    """`own` is the speaker's zone where `say` puts it; its name can be what otherwise is an abbreviation ("EST")."""
    text: str
    glued: bool
    """No space before it."""


END = Atom("end", "", glued=False)


class Clock(NamedTuple):
    hour: int
    minute: int = 0
    second: int = 0


class Day(NamedTuple):
    """A day of the calendar, as far as it was given."""

    year: int | None
    month: int | None
    day: int


class Span(NamedTuple):
    months: int
    days: int
    seconds: int
    words: str = ""


@dataclass(slots=True)
class Phrase:
    """What was said, not yet what it means."""

    stamp: int | None = None
    days: list[Day] = field(default_factory=list)
    """Alternatives, where the order of day and month is open."""
    offset: int | None = None
    """Days from the speaker's today."""
    weekday: int | None = None
    strictly_next: bool = False
    week: int = 0
    """1: next week, by the calendar."""
    clocks: list[Clock] = field(default_factory=list)
    """Alternatives, where am or pm is open."""
    clocks_of_part: list[Clock] = field(default_factory=list)
    """What the clock can mean beside a part of the day, where it means one thing without: `8 Uhr abends`."""
    midnight: bool = False
    unmarked_hours: str | None = None
    """`2h`, as it was written: a time beside a day, but alone perhaps a distance."""
    daypart: w.Daypart | None = None
    tonight: bool = False
    zone: str | tzinfo | None = None
    also_offset: tzinfo | None = None
    """An offset beside a named zone: both must agree."""
    seasonal: tuple[float, str, str] | None = None
    """A seasonal abbreviation: its offset in hours, the zone in which it must be in force, its name."""
    span: Span | None = None
    remark: str | None = None
    """A distance beside a complete time, or "now", as `say` writes it: checked, not used."""

    @property
    def has_day(self) -> bool:
        return bool(self.days) or self.offset is not None or self.weekday is not None

    @property
    def complete(self) -> bool:
        return bool(self.clocks) and self.has_day


def refuse(message: str, hint: str) -> SoonishError:
    return invalid(message, field="when", hint=hint)


def atoms_of(text: str, zone: str) -> list[Atom]:
    """`zone` is the speaker's. Raises SoonishError for text that cannot be a time at all."""
    if len(text) > LONGEST:
        raise refuse("That is too long for a time.", 'Write just the time, like "fri 7pm".')
    if _BIDI.search(text):
        raise refuse("That has characters that change how it looks.", "Type the time again by hand.")
    plain = unicodedata.normalize("NFKC", text).translate(_INVISIBLE).lower().replace("\u2019", "'")
    plain = _MERIDIEM.sub(r"\1m", plain).replace("o'clock", "oclock").replace("\u2212", "-")
    found: list[Atom] = []
    end = 0
    while True:
        while end < len(plain) and plain[end].isspace():
            end += 1
        if end >= len(plain):
            return found
        glued = bool(found) and not plain[end - 1].isspace()
        after = end + len(zone)
        if (
            found
            and found[-1].text == "·"
            and plain.startswith(zone.lower(), end)
            and plain[after : after + 1] in _SPACE
        ):
            found.append(Atom("own", zone, glued))
            end = after
            continue
        match = _ATOM.match(plain, end) if plain[end].isascii() else None
        if match is not None and match.lastgroup in ("stamp", "path", "num"):
            found.append(Atom(match.lastgroup, match[match.lastgroup], glued))  # type: ignore[arg-type]
            end = match.end()
            continue
        word = _ATOM_WORD.match(plain, end)
        if word is not None:
            found.append(Atom("word", w.TYPOS.get(word[0], word[0]), glued))
            end = word.end()
        else:
            found.append(Atom("sym", plain[end], glued))
            end += 1
