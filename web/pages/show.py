"""An event in the words of its page: pure functions of the event and the clock."""

import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from markupsafe import Markup

from core.db.models import EventUpdate
from core.events.model import EventView
from core.events.reminders import REMINDERS, WORDS, to_come
from core.times import distance, effective_end, one_evening, place_of, say, say_clock, say_day

Phase = Literal["ahead", "on", "over", "cancelled"]


@dataclass(frozen=True, slots=True)
class Moment:
    """All of a page that depends on the clock."""

    phase: Phase
    pill: str
    promise: list[tuple[str, str]]
    """The reminders that somebody who subscribes now will still get, and when."""


def moment(start: dt.datetime, end: dt.datetime | None, status: str, zone: str, now: dt.datetime) -> Moment:
    phase = _phase(start, end, status, now)
    pill = {"cancelled": "Cancelled", "over": "Over", "on": "Happening now", "ahead": distance(now, start)}[phase]
    coming = to_come(start, now)
    promise = [
        (WORDS[kind], _short(start - before, zone)) for kind, before in REMINDERS.items() if WORDS[kind] in coming
    ]
    return Moment(phase, pill, promise)


def _phase(start: dt.datetime, end: dt.datetime | None, status: str, now: dt.datetime) -> Phase:
    if status == "cancelled":
        return "cancelled"
    if status == "ended" or effective_end(start, end) <= now:
        return "over"
    return "on" if start <= now else "ahead"


def shown(view: EventView, host: str, updates: list[EventUpdate], now: dt.datetime) -> dict[str, Any]:
    """What the templates need."""
    local = view.start_date.astimezone(ZoneInfo(view.timezone))
    place, _, address = view.location.partition(", ")
    return {
        "event": view,
        "calendar": "webcal://" + view.url.partition("://")[2] + ".ics",
        "host": host,
        "moment": moment(view.start_date, view.end_date, view.status, view.timezone, now),
        "start_iso": _iso(view.start_date),
        "month": f"{local:%b}",
        "day": local.day,
        "when_day": say_day(view.start_date, view.timezone),
        "when_time": _hours(view),
        "zone_place": place_of(view.timezone),
        "when_long": say(view.start_date, view.timezone),
        "place": place,
        "address": address,
        "paragraphs": [each for each in re.split(r"\n\s*\n", view.description) if each.strip()],
        "summary": _summary(view),
        "updates": [_update(each, view.timezone) for each in updates],
        "json_ld": _json_ld(view, host),
        "typed": "",
    }


def news(view: EventView, host: str, updates: list[EventUpdate]) -> dict[str, Any]:
    """What the feed needs."""
    latest = max([view.updated_at, *(each.created_at for each in updates[:1])])
    entries = [
        {"title": each.title, "body": each.body, "id": f"{view.url}#{each.id}", "at": _iso(each.created_at)}
        for each in updates
    ]
    when = say(view.start_date, view.timezone)
    return {"event": view, "host": host, "when": when, "at": _iso(latest), "entries": entries}


def _iso(instant: dt.datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def _hours(view: EventView) -> str:
    start = say_clock(view.start_date, view.timezone)
    if view.end_date is None:
        return start
    end = say_clock(view.end_date, view.timezone)
    zone = ZoneInfo(view.timezone)
    same_day = view.end_date.astimezone(zone).date() == view.start_date.astimezone(zone).date()
    if same_day or one_evening(view.start_date, view.end_date):
        return f"{start} to {end}"
    return f"{start} to {say_day(view.end_date, view.timezone)}, {end}"


def _short(instant: dt.datetime, zone: str) -> str:
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b, %H:%M}"


def _summary(view: EventView, limit: int = 160) -> str:
    text = " ".join(view.description.split())
    return text if len(text) <= limit else text[: limit - 1].rsplit(" ", 1)[0] + "…"


def _update(row: EventUpdate, zone: str) -> dict[str, str]:
    local = row.created_at.astimezone(ZoneInfo(zone))
    when = f"{local:%a} {local.day} {local:%b}"
    return {"title": row.title, "body": row.body, "iso": _iso(row.created_at), "when": when}


def _json_ld(view: EventView, host: str) -> Markup:
    """schema.org's Event. `<` is escaped, so that no text can end the script element it stands in."""
    status = "EventCancelled" if view.status == "cancelled" else "EventScheduled"
    zone = ZoneInfo(view.timezone)
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": view.name,
        "startDate": view.start_date.astimezone(zone).isoformat(),
        "eventStatus": f"https://schema.org/{status}",
        "organizer": {"@type": "Person", "name": host},
        "url": view.url,
    }
    if view.end_date is not None:
        data["endDate"] = view.end_date.astimezone(zone).isoformat()
    if view.location:
        data["location"] = {"@type": "Place", "name": view.location}
    if view.description:
        data["description"] = view.description
    if view.is_public:
        data["image"] = f"{view.url}/card.png?v={view.revision}"
    text = json.dumps(data, ensure_ascii=False)
    for ch in "<>&":
        text = text.replace(ch, f"\\u{ord(ch):04x}")
    return Markup(text)  # noqa: S704 - escaped in the line above
