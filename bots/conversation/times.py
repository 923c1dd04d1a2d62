"""Times that people type in chat: a start, and how long from there."""

import datetime as dt

from core.errors import SoonishError, invalid
from core.times import say_exactly
from core.when import read


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
