"""What changed, in words: `Moved from Fri 27 Nov 19:00 to Sat 28 Nov 19:00`."""

import datetime as dt
from typing import Any

from core.db.models import Event
from core.times import say

_FIELDS = {
    "name": "Name",
    "description": "Description",
    "location": "Place",
    "contact": "Contact",
    "timezone": "Time zone",
}


def change_title(event: Event, changes: dict[str, list[Any]]) -> str:
    if "start_date" in changes:
        return f"{event.name} was moved"
    if "location" in changes:
        return f"{event.name} has a new place" if event.location else f"{event.name}: no place yet"
    return f"{event.name} was updated"


def change_body(
    event: Event, changes: dict[str, list[Any]], zone_name: str | None = None, *, zone_was: str | None = None
) -> str:
    """One line for each change, old and new, times in the reader's zone: without one in the event's, and old ones in
    that which it had (`zone_was`)."""
    shown_in = zone_name or event.timezone
    was_shown_in = zone_name or zone_was or event.timezone
    lines = []
    for field, (before, after) in sorted(changes.items(), key=lambda item: _ORDER.index(item[0])):
        if field == "start_date":
            lines.append(f"Moved from {_say(before, was_shown_in)} to {_say(after, shown_in)}.")
        elif field == "end_date":
            lines.append(f"Ends {_say(after, shown_in)}." if after else "It no longer has a set end.")
        elif field == "description":
            lines.append("The description changed.")
        else:
            lines.append(f"{_FIELDS[field]}: {after or 'none'} (was {before or 'none'}).")
    return "\n".join(lines)


_ORDER = ["name", "start_date", "end_date", "location", "timezone", "contact", "description"]


def _say(value: str, zone_name: str) -> str:
    return say(dt.datetime.fromisoformat(value), zone_name)
