"""An event as people type it, in chat and in a browser: its start, how long from there, and what an edit changes."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from core.errors import SoonishError, invalid
from core.events.model import EventChange, EventView, NewEvent
from core.times import say_exactly, zone
from core.when import read

CHANGED_MEANWHILE = (
    "Somebody changed this event while you typed. Your words are kept: look at what differs now before you save."
)


def exactly(at: dt.datetime, zone_name: str) -> str:
    """What reads as this instant and nothing else."""
    return f"{say_exactly(at, zone_name)} · {zone_name}"


def new_event(typed: Mapping[str, str], zone_name: str, now: dt.datetime, locale: str | None) -> NewEvent:
    """Raises SoonishError, or ValidationError for texts that cannot be."""
    zone(zone_name)
    start = read_start(typed.get("when", ""), now, zone_name, locale)
    return NewEvent(
        name=typed.get("name", ""),
        start_date=start,
        end_date=read_end(typed.get("duration", ""), start, zone_name, locale),
        location=typed.get("where", ""),
        description=typed.get("description", ""),
        contact=typed.get("contact", ""),
        timezone=zone_name,
        **_visible(typed.get("visibility", "")),
    )


def _visible(text: str) -> dict[str, bool]:
    word = text.strip().lower()
    return {"is_public": word != "private", "is_listed": word == "listed"}


def _visibility(event: EventView) -> str:
    if not event.is_public:
        return "private"
    return "listed" if event.is_listed else "public"


def as_typed(event: EventView) -> dict[str, str]:
    """The event in the words of its form."""
    return {
        "name": event.name,
        "when": exactly(event.start_date, event.timezone),
        "until": exactly(event.end_date, event.timezone) if event.end_date else "",
        "where": event.location,
        "description": event.description,
        "contact": event.contact,
        "timezone": event.timezone,
        "visibility": _visibility(event),
    }


def change_of(
    event: EventView, typed: Mapping[str, str], shown: Mapping[str, str], now: dt.datetime, locale: str | None
) -> EventChange:
    """What was typed over a form that showed `shown` of this event. What the form did not ask stays, and an end that
    nobody touched moves with its start. Raises SoonishError, or ValidationError for texts that cannot be."""
    news = {name: typed[name] for name, before in shown.items() if typed.get(name, before) != before}
    start, end = event.start_date, event.end_date
    zone_name = news.get("timezone", event.timezone)
    zone(zone_name)
    if "when" in news:
        start = read_start(news["when"], now, zone_name, locale)
    if "until" in news:
        end = read_end(news["until"], start, zone_name, locale, field="until")
    elif end is not None:
        end += start - event.start_date
    found: dict[str, Any] = {_FIELDS[name]: typed for name, typed in news.items() if name in _FIELDS}
    if "visibility" in news:
        found |= _visible(news["visibility"])
    wanted = EventChange(**found, start_date=start, end_date=end).changes()
    differs = {field: value for field, value in wanted.items() if value != getattr(event, field)}
    return EventChange.model_validate({**differs, "revision": event.revision})


_FIELDS = {
    "name": "name", "where": "location", "description": "description", "contact": "contact", "timezone": "timezone",
}  # fmt: skip


def say_changes(change: EventChange) -> list[str]:
    """What an edit changes beside the time, in sentences."""
    found = []
    if change.location is not None:
        found.append(f"Where: {change.location or 'nowhere said'}.")
    if change.name is not None:
        found.append(f"New name: {change.name}.")
    if change.description is not None:
        found.append("New description.")
    if change.contact is not None:
        found.append(f"Contact: {change.contact or 'the organizer'}.")
    if change.timezone is not None:
        found.append(f"Its times are shown in {change.timezone}.")
    if change.is_public is not None:
        who = (
            "Anyone with the link sees it." if change.is_public else "Only invited people and current followers see it."
        )
        found.append(who)
    if change.is_listed is not None and change.is_public is not False:
        found.append("The front page lists it." if change.is_listed else "The front page no longer lists it.")
    return found


def read_start(text: str, now: dt.datetime, zone_name: str, locale: str | None) -> dt.datetime:
    """One instant; a phrase that can mean two is refused with both."""
    if not text.strip():
        raise invalid("When does it start?", field="when", hint='Type it like "fri 7pm".')
    first, *other = read(text, now, zone_name, locale)
    if other:
        exact = " or ".join(f'"{exactly(at, zone_name)}"' for at in (first, *other))
        raise invalid("That can mean two times.", field="when", hint=f"Type {exact}.")
    return first


def read_end(
    text: str, start: dt.datetime, zone_name: str, locale: str | None, *, field: str = "duration"
) -> dt.datetime | None:
    """`2h`, `90 min`, `until 9pm`, `9pm`: counted from the start. None for nothing typed."""
    text = text.strip()
    if not text:
        return None
    lowered = text.lower()
    for prefix in ("until ", "till ", "bis "):
        if lowered.startswith(prefix):
            return _one(text[len(prefix) :], start, zone_name, locale, field)
    try:
        return _one(f"in {text.removeprefix('for ')}", start, zone_name, locale, field)
    except SoonishError:
        return _one(text, start, zone_name, locale, field)


def _one(text: str, start: dt.datetime, zone_name: str, locale: str | None, field: str) -> dt.datetime:
    try:
        found = read(text, start, zone_name, locale)
    except SoonishError as refusal:
        raise invalid("How long does it last?", field=field, hint='Type "2h", or "until 9pm".') from refusal
    if len(found) > 1:
        raise invalid("That end can mean two times.", field=field, hint='Type how long: "2h".')
    return found[0]
