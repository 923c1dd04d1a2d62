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
# Quotes and marks that come along when a time is copied out of a sentence or a chat.
_AROUND = " \t\r\n\"'“”„‘’`*_"
# Spellings of one thing in several words, made one word.
_SPELLINGS = (
    (re.compile(r"\b([ap])\s?\.\s?m\b\.?"), r"\1m"),
    (re.compile(r"\bo'\s?clock\b"), "oclock"),
    (re.compile(r"\bapr[eè]s[ -](demain|midi)\b"), r"après\1"),
    (re.compile(r"\b(?:de )?l'aprèsmidi\b"), "aprèsmidi"),
    (re.compile(r"\bcet aprèsmidi\b"), "ce aprèsmidi"),
    (re.compile(r"\bdemi-heure\b"), "demiheure"),
    (re.compile(r"\b2(morrow|night|nite|day)\b"), r"to\1"),
    (re.compile(r"\b(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(?=z|$|\s)"), r"\1-\2-\3t\4:\5"),
    (re.compile(r"\b(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)(?=z|$|\s)"), r"\1-\2-\3t\4:\5:\6"),
    (re.compile(r"\b(eastern|pacific|central|mountain) (standard|daylight) time\b"), r"us\1\2"),
    (re.compile(r"\bcentral european summer time\b"), "cest"),
    (re.compile(r"\bcentral european (?:standard )?time\b"), "cet"),
)
_ATOM = re.compile(
    r"<t:(?P<stamp>-?\d{1,12})(?::[a-z])?>|(?P<path>[a-z]+(?:/[a-z0-9_+\-]*[a-z0-9])+)|(?P<num>\d+)", re.ASCII
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


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
    pointed: Literal["", "this", "next"] = ""
    """Said before or after the weekday."""
    week: int | None = None
    """0: this week, 1: next week, by the calendar."""
    clocks: list[Clock] = field(default_factory=list)
    """Alternatives, where am or pm is open."""
    clocks_of_part: list[Clock] = field(default_factory=list)
    """What the clock can mean beside a part of the day, where it means one thing without: `8 Uhr abends`."""
    exact: bool = False
    """Written as machines write it, after a T or with seconds: what follows with a minus is an offset, not an end."""
    midnight: bool = False
    noon: bool = False
    unmarked_hours: str | None = None
    """`2h`, as it was written: a time beside a day, but alone, or in English, perhaps a distance or a length."""
    english: bool = False
    daypart: w.Daypart | None = None
    zone: str | tzinfo | None = None
    also_offset: tzinfo | None = None
    """An offset beside a named zone: both must agree."""
    seasonal: tuple[float, str, str] | None = None
    """A seasonal abbreviation: its offset in hours, the zone in which it must be in force, its name."""
    span: Span | None = None
    counted_from: bool = False
    """The span counts from the day that is named: `a week from friday`."""
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
    plain = unicodedata.normalize("NFKC", text).translate(_INVISIBLE).lower().strip(_AROUND)
    plain = plain.replace("\u2019", "'").replace("\u2212", "-")
    for spelling, one in _SPELLINGS:
        plain = spelling.sub(one, plain)
    found: list[Atom] = []
    end = 0
    while end < len(plain):
        if plain[end].isspace():
            end += 1
            continue
        glued = bool(found) and not plain[end - 1].isspace()
        if found and found[-1].text == "·" and _is_here(plain, end, zone.lower()):
            found.append(Atom("own", zone, glued))
            end += len(zone)
            continue
        kind, atom = _next_atom(plain, end)
        end += len(atom)
        found.extend(_refined(kind, atom, glued))
    return found


def _is_here(plain: str, at: int, name: str) -> bool:
    return plain.startswith(name, at) and plain[at + len(name) : at + len(name) + 1] in ("", " ")


def _next_atom(plain: str, at: int) -> tuple[str, str]:
    found = _ATOM.match(plain, at)
    # "27/nov/26" is no zone.
    dated = found is not None and found.lastgroup == "path" and found[0].partition("/")[0] in w.MONTHS
    if found is not None and found.lastgroup is not None and not dated:
        return found.lastgroup, found[0]
    word = _WORD.match(plain, at)
    return ("word", word[0]) if word is not None else ("sym", plain[at])


def _refined(kind: str, text: str, glued: bool) -> list[Atom]:
    """Typos mended, and German compounds taken apart: `freitagabend`."""
    if kind == "stamp":
        return [Atom("stamp", text[3:].rstrip(">").split(":")[0], glued)]
    if kind == "word":
        word = w.TYPOS.get(text, text)
        for part in w.GERMAN_ENDINGS:
            if word.endswith(part) and word.removesuffix(part) in w.GERMAN_DAYS:
                return [Atom("word", word.removesuffix(part), glued), Atom("word", part, glued=False)]
        return [Atom("word", word, glued)]
    return [Atom(kind, text, glued)]  # type: ignore[arg-type]
