"""An event as an iCalendar file (RFC 5545, and RFC 5546 for what its METHOD asks of a calendar)."""

import datetime as dt
import re
from email.utils import parseaddr
from typing import Literal

import icalendar

from core.db.models import Event
from core.delivery.mime import header_text
from core.times import effective_end

Method = Literal["PUBLISH", "CANCEL"]

FORM = 1
"""Rises when the file of an unchanged event reads otherwise, so that what calendars have kept is asked for anew."""
_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_LOOK_AGAIN = dt.timedelta(hours=1)


def calendar_file(event: Event, base_url: str, sender: str, method: Method = "PUBLISH") -> str:
    """One text for all its readers, the same until the event changes.

    The UID names no host, so that a service that moves leaves nobody with the event twice. The organizer is the
    service, by the address that all its mail comes from (`sender`): nobody's own. The page of a private event is left
    out, because a calendar shows what it holds to those who share it.
    """
    return _calendar([_entry(event, base_url, sender)], method)


def calendar_of(events: list[Event], name: str, base_url: str, sender: str) -> str:
    """Several events, each the same entry as in its own file, so that nobody who has both has it twice."""
    found = [_entry(event, base_url, sender) for event in events]
    return _calendar(found, "PUBLISH", header_text(name))


def _entry(event: Event, base_url: str, sender: str) -> icalendar.Event:
    entry = icalendar.Event()
    entry.add("uid", f"{event.public_id}@soonish")
    entry.add("sequence", event.revision)
    entry.add("dtstamp", event.updated_at)
    entry.add("last-modified", event.updated_at)
    entry.add("dtstart", event.start_date)
    entry.add("dtend", effective_end(event.start_date, event.end_date))
    entry.add("summary", header_text(event.name))
    entry.add("status", "CANCELLED" if event.status == "cancelled" else "CONFIRMED")
    if event.description:
        entry.add("description", _UNREADABLE.sub("", event.description))
    if event.location:
        entry.add("location", header_text(event.location))
    if event.is_public:
        entry.add("url", f"{base_url}/e/{event.public_id}")
    name, address = parseaddr(header_text(sender))
    if address:
        entry.add("organizer", icalendar.vCalAddress(f"mailto:{address}", params={"CN": name} if name else {}))
    return entry


def _calendar(entries: list[icalendar.Event], method: Method, name: str | None = None) -> str:
    found = icalendar.Calendar()
    found.add("prodid", "-//Soonish//Soonish//EN")
    found.add("version", "2.0")
    found.add("method", method)
    if name is not None:
        found.add("name", name)
        found.add("x-wr-calname", name)  # what most programs read instead
    if method == "PUBLISH":
        found.add("refresh-interval", _LOOK_AGAIN, parameters={"value": "DURATION"})
    for entry in entries:
        found.add_component(entry)
    return str(found.to_ical(), "utf-8")
