"""Times that people type in chat: a start, and how long from there."""

import datetime as dt
import re

from core.errors import SoonishError, invalid
from core.times import say_exactly
from core.when import is_a_time, read
from core.when.words import DAYPARTS


def read_start(text: str, now: dt.datetime, zone: str, locale: str | None) -> dt.datetime:
    """One instant; a phrase that can mean two is refused with both."""
    if not text.strip():
        raise invalid("When does it start?", field="when", hint='Type it like "fri 7pm".')
    first, *other = read(text, now, zone, locale)
    if other:
        exact = " or ".join(f'"{say_exactly(at, zone)} · {zone}"' for at in (first, *other))
        raise invalid("That can mean two times.", field="when", hint=f"Type {exact}.")
    return first


def read_end(
    text: str, start: dt.datetime, zone: str, locale: str | None, field: str = "duration"
) -> dt.datetime | None:
    """`2h`, `90 min`, `until 9pm`, `9pm`: counted from the start. None for nothing typed. A refusal names `field`."""
    text = text.strip()
    if not text:
        return None
    lowered = text.lower()
    for prefix in ("until ", "till ", "bis "):
        if lowered.startswith(prefix):
            return _one(text[len(prefix) :], start, zone, locale, field)
    try:
        return _one(f"in {text.removeprefix('for ')}", start, zone, locale, field)
    except SoonishError:
        return _one(text, start, zone, locale, field)


def _one(text: str, start: dt.datetime, zone: str, locale: str | None, field: str) -> dt.datetime:
    try:
        found = read(text, start, zone, locale)
    except SoonishError as refusal:
        raise invalid("How long does it last?", field=field, hint='Type "2h", or "until 9pm".') from refusal
    if len(found) > 1:
        raise invalid("That end can mean two times.", field=field, hint='Type how long: "2h".')
    return found[0]


def divide(text: str, locale: str | None) -> tuple[str, str]:
    """`Film night tomorrow 7pm` as a name and a time: the longest end of it that reads as one, and does not begin with
    a word like "night", which names what happens as often. A name in quotes is itself. Empty where none is."""
    quoted = re.match(r'\s*["“](.+?)["”]\s*(.*)', text)
    if quoted:
        return quoted[1].strip(), quoted[2].strip()
    words = text.split()
    for at in range(1, len(words)):
        when = " ".join(words[at:])
        if words[at].lower() not in DAYPARTS and is_a_time(when, locale):
            return " ".join(words[:at]), when
    return " ".join(words), ""
