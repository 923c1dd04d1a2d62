"""When an event may be: refusals that say what to type instead."""

import datetime as dt

from core.db.models import Event
from core.errors import conflict, invalid
from core.times import LATEST, effective_end

_LONGEST = dt.timedelta(days=366)


def check_times(start: dt.datetime, end: dt.datetime | None, now: dt.datetime, *, start_is_new: bool = True) -> None:
    """Raises for a start in the past or beyond five years, and for an end that is not after the start."""
    if start_is_new and start <= now:
        raise invalid("That is in the past.", field="start_date", hint="Pick a later time.")
    if start - now > LATEST:
        raise invalid("That is more than five years away.", field="start_date", hint="Pick an earlier time.")
    if end is not None and end == start:
        raise invalid("It would end when it starts.", field="end_date", hint="Pick a later end, or leave it out.")
    if end is not None and end < start:
        raise invalid("It would end before it starts.", field="end_date", hint="Pick an end after the start.")
    if end is not None and end - start > _LONGEST:
        raise invalid("An event lasts a year at most.", field="end_date", hint="Pick an earlier end.")
    if end is not None and end <= now:
        raise invalid("That end is in the past.", field="end_date", hint="Pick a later end.")


STILL_TO_SEND = "You can still send a message, or create a new event."
ASK_FOR_ANOTHER = "Ask whoever organizes it whether there is another one."


def refuse_when_over(event: Event, now: dt.datetime, *, hint: str) -> None:
    """Raises for what is cancelled or past: nobody joins it and nothing of it changes. `hint`: what is still
    possible."""
    if event.status == "cancelled":
        raise conflict("This event is cancelled.", hint=hint)
    if event.status == "ended" or effective_end(event.start_date, event.end_date) <= now:
        raise conflict("This event is over.", hint=hint)
