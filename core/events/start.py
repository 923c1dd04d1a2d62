"""When an event starts, as it was given: an instant, or a phrase to read."""

import datetime as dt

from core.errors import invalid
from core.times import say_exactly
from core.when import read


def start_of(start_date: dt.datetime | None, when: str | None, now: dt.datetime, zone: str) -> dt.datetime:
    """The start, in UTC. `zone`: whose evening "7pm" is. A phrase that can mean two instants is refused with both, each
    written so that it means one. Raises SoonishError."""
    if when is None:
        if start_date is None:
            raise invalid("When does it start?", field="start_date", hint='Give start_date, or when: "fri 7pm".')
        return start_date
    first, *other = read(when, now, zone)
    if other:
        exact = [f'"{say_exactly(at, zone)} · {zone}"' for at in (first, *other)]
        raise invalid("That can mean two times.", field="when", hint=f"Write {' or '.join(exact)}.")
    return first
