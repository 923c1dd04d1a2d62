"""Times as people read them, and the few rules about them that everything shares."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

from core.clock import UTC

DEFAULT_LENGTH = dt.timedelta(hours=1)
"""How long an event without an end lasts."""
LATEST = dt.timedelta(days=5 * 366)


def effective_end(start: dt.datetime, end: dt.datetime | None) -> dt.datetime:
    return end if end is not None else start + DEFAULT_LENGTH


def parse_instant(text: str) -> dt.datetime:
    """RFC 3339, as UTC; a space for the `T` and no seconds are welcome too. Raises ValueError with a sentence for
    people. Python alone also reads weeks, days of the year and the basic format: what nobody announced is a typing
    error that happens to be a time."""
    found = _RFC3339.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError  # noqa: TRY301 - said in one place
        value = dt.datetime.fromisoformat(text.strip().upper())
    except ValueError:
        raise ValueError(
            "That is not a time we can read. Write it as RFC 3339 has it, like "
            f"{dt.date.today().year + 1}-05-01T19:00:00+02:00."  # noqa: DTZ011
        ) from None
    if value.tzinfo is None:
        raise ValueError("This time has no zone: add an offset like +02:00, or Z for UTC.")
    return as_utc(value)


_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?",
    re.ASCII,
)


def as_utc(moment: dt.datetime) -> dt.datetime:
    """Raises ValueError for the first and the last hours that a datetime can hold."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("That time is out of range.") from None


def say(moment: dt.datetime, zone_name: str) -> str:
    """`Fri 27 Nov 2026, 19:00 (Europe/Berlin)`: the weekday and the zone are always named."""
    return f"{say_exactly(moment, zone_name)} ({zone_name})"


def one_evening(start: dt.datetime, end: dt.datetime) -> bool:
    """Whether an end is understood by its clock alone: a party until 3 is not of two days."""
    return end - start < dt.timedelta(hours=18)


def say_day(moment: dt.datetime, zone_name: str) -> str:
    local = moment.astimezone(ZoneInfo(zone_name))
    return f"{local:%A} {local.day} {local:%B %Y}"


def say_clock(moment: dt.datetime, zone_name: str) -> str:
    """`19:00`, and with the offset where the hour exists twice."""
    local = moment.astimezone(ZoneInfo(zone_name))
    return f"{local:%H:%M}{_offset_if_doubled(local)}"


def place_of(zone_name: str) -> str:
    """`Berlin` for Europe/Berlin: how a zone is named beside a wall time."""
    return zone_name.rsplit("/", 1)[-1].replace("_", " ")


def distance(now: dt.datetime, then: dt.datetime) -> str:
    """`in 4 days`, `in 1 hour`, `now`, `2 hours ago`: the largest unit that says enough."""
    seconds = (then - now).total_seconds()
    words = span(abs(seconds))
    if words is None:
        return "now"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def span(seconds: float) -> str | None:
    """Seconds in words, rounded; None below half a minute. `75 minutes` says more than `1 hour`, `60 minutes` less."""
    minutes, hours, days = round(seconds / 60), round(seconds / 3600), round(seconds / 86400)
    if minutes < 90 and minutes != 60:
        return _counted(minutes, "minute") if minutes else None
    if hours < 48:
        return _counted(hours, "hour")
    return _counted(days, "day")


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def start_words(now: dt.datetime, start: dt.datetime, zone_name: str) -> str:
    """How a reminder says when: `is tomorrow`, `starts in 1 hour`, `starts in 20 minutes`, `starts now`."""
    local = ZoneInfo(zone_name)
    days = (start.astimezone(local).date() - now.astimezone(local).date()).days
    ahead = (start - now).total_seconds()
    if days == 1 and ahead > 12 * 3600:
        return "is tomorrow"
    words = span(ahead)
    return f"starts in {words}" if words else "starts now"


def say_exactly(moment: dt.datetime, zone_name: str) -> str:
    """`Fri 27 Nov 2026, 19:00`. Two times that differ are not said alike: with seconds if there are any, and with the
    offset where the hour exists twice."""
    local = moment.astimezone(ZoneInfo(zone_name))
    seconds = f":{local:%S}" if local.second else ""
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}{seconds}{_offset_if_doubled(local)}"


def _offset_if_doubled(local: dt.datetime) -> str:
    first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
    if first == second:
        return ""
    offset = f"{local:%z}"
    return f" {offset[:3]}:{offset[3:5]}"
