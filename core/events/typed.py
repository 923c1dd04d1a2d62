"""An event as people type it, in chat and in a browser: its start, how long from there, and what an edit changes."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from core.errors import SoonishError, invalid
from core.events.checks import check_times
from core.events.model import EventChange, EventView, NewEvent
from core.times import one_evening, say_clock, say_exactly
from core.when import IN_THE_PAST, after_length, is_a_time, read
from core.zones import zone

CHANGED_MEANWHILE = (
    "Somebody changed this event while you typed. Your words are kept: look at what differs now before you save."
)


def exactly(at: dt.datetime, zone_name: str) -> str:
    """What reads as this instant and nothing else."""
    return f"{say_exactly(at, zone_name)} · {zone_name}"


def new_event(typed: Mapping[str, str], zone_name: str, now: dt.datetime, locale: str | None) -> NewEvent:
    """`zone_was` in `typed`: the zone in which the form wrote its times, where it has a field for the zone. Raises
    SoonishError, or ValidationError for texts that cannot be."""
    zone_name = zone(zone_name).key
    when, duration = (on_its_clock(typed.get(name, ""), typed, zone_name) for name in ("when", "duration"))
    start = read_start(when, now, zone_name, locale)
    return NewEvent(
        name=typed.get("name", ""),
        start_date=start,
        end_date=read_end(duration, start, zone_name, locale),
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


def on_its_clock(text: str, typed: Mapping[str, str], zone_name: str) -> str:
    """What `exactly` wrote into a form whose zone was changed since: the same clock time, of no zone. Somebody who
    corrects the zone means seven in the evening there."""
    was = typed.get("zone_was", "")
    if not was or was == zone_name or not text.endswith(f" · {was}"):
        return text
    return _OFFSET.sub("", text.removesuffix(f" · {was}"))


_OFFSET = re.compile(r" [+-]\d\d:\d\d$", re.ASCII)


def change_of(
    event: EventView, typed: Mapping[str, str], shown: Mapping[str, str], now: dt.datetime, locale: str | None
) -> EventChange:
    """What was typed over a form that showed `shown` of this event. What the form did not ask stays, and an end that
    nobody touched moves with its start. In another zone it starts at the same clock time, unless it has started.
    `zone_was` in `typed`: as for a new event. Raises SoonishError, or ValidationError for texts that cannot be."""
    news = {name: typed[name] for name, before in shown.items() if typed.get(name, before) != before}
    start, end = event.start_date, event.end_date
    zone_name = zone(news.get("timezone", event.timezone)).key
    if "timezone" in news:
        news["timezone"] = zone_name
    if "when" in news:
        start = read_start(on_its_clock(news["when"], typed, zone_name), now, zone_name, locale)
    elif zone_name != event.timezone and start > now:
        before = exactly(start, event.timezone)
        start = read_start(on_its_clock(before, {"zone_was": event.timezone}, zone_name), now, zone_name, locale)
    if "until" in news:
        end = read_end(on_its_clock(news["until"], typed, zone_name), start, zone_name, locale, field="until")
    elif end is not None:
        end += start - event.start_date
    found: dict[str, Any] = {_FIELDS[name]: text for name, text in news.items() if name in _FIELDS}
    if "visibility" in news:
        found |= _visible(news["visibility"])
    wanted = EventChange(**found, start_date=start, end_date=end).changes()
    differs = {field: value for field, value in wanted.items() if value != getattr(event, field)}
    return EventChange.model_validate({**differs, "revision": event.revision})


_FIELDS = {
    "name": "name", "where": "location", "description": "description", "contact": "contact", "timezone": "timezone",
}  # fmt: skip


def clock_kept(event: EventView, change: EventChange) -> bool | None:
    """Of a change of the zone: whether the event moves to the same clock time there (True), or stays at its moment
    (False), which is then another time of day. None where there is no such choice."""
    if change.timezone is None:
        return None
    old = event.start_date.astimezone(ZoneInfo(event.timezone)).replace(tzinfo=None)
    new = (change.start_date or event.start_date).astimezone(ZoneInfo(change.timezone)).replace(tzinfo=None)
    if change.start_date is None:
        return None if old == new else False
    return True if old == new else None


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
    """`2h`, `90 min`, `until 9pm`, `9pm`: counted from the start. None for nothing typed. Raises SoonishError, of that
    field."""
    text = text.strip()
    lowered = text.lower()
    if not text:
        return None
    try:
        end = _end(text, lowered, start, zone_name, locale)
        check_times(start, end, start, start_is_new=False)
    except SoonishError as refusal:
        raise invalid(refusal.message, field=field, hint=refusal.hint) from refusal
    return end


def _end(text: str, lowered: str, start: dt.datetime, zone_name: str, locale: str | None) -> dt.datetime:
    prefix = next((each for each in _UNTIL if lowered.startswith(each)), None)
    if prefix is not None:
        return _until(text[len(prefix) :].strip(), start, zone_name, locale)
    if lowered in _ALL_DAY:
        raise invalid("An event has an hour at which it ends, a whole day too.", hint='Type "until 6pm", or "24h".')
    length = text[4:] if lowered.startswith("for ") else text
    return after_length(length, start, zone_name, locale) or _until(text, start, zone_name, locale)


_UNTIL = ("until ", "till ", "til ", "bis ")
_ALL_DAY = frozenset({"all day", "all-day", "allday", "whole day", "the whole day", "ganztags", "den ganzen tag"})


def _until(text: str, start: dt.datetime, zone_name: str, locale: str | None) -> dt.datetime:
    """Of both halves of the day the one that is still the same evening, where only one is."""
    words = f"at {text}" if text.isdecimal() and len(text) <= 2 else text
    try:
        found = read(words, start, zone_name, locale)
    except SoonishError as refusal:
        if refusal.message.startswith(IN_THE_PAST):
            raise invalid("It would end before it starts.", hint='Type how long: "2h", or a later end.') from refusal
        understood = is_a_time(words, locale)
        raise invalid(refusal.message, hint=refusal.hint if understood else 'Type "2h", or "until 9pm".') from refusal
    near = [at for at in found if one_evening(start, at)]
    if len(near) == 1 or len(found) == 1:
        return (near or found)[0]
    clocks = [say_clock(at, zone_name) for at in near]
    plain = len(clocks) == 2 and all(len(each) == len("21:00") for each in clocks)
    exact = clocks if plain else [exactly(at, zone_name) for at in found]
    either = " or ".join(f'"until {each}"' for each in exact)
    raise invalid("That end can mean two times.", hint=f"Type {either}.")
