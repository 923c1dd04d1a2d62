"""Zones as people name them: IANA names, cities, abbreviations with one meaning, offsets."""

import functools
import re
from datetime import timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

_REGIONS = {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
# Last parts of zone names that are words of the grammar or of everyday speech.
_NOT_CITIES = {"easter", "center", "knox", "troll", "south pole", "north", "west", "east", "south", "nome", "regina"}

# What people write → an IANA zone whose clock it means whatever the season, or a fixed offset in hours with the zone
# in which it must be in force on the day.
ALIASES = {
    "utc": "UTC", "gmt": "UTC", "z": "UTC", "zulu": "UTC",
    "et": "America/New_York", "eastern": "America/New_York", "pt": "America/Los_Angeles",
    "pacific": "America/Los_Angeles", "nyc": "America/New_York", "uk": "Europe/London",
}  # fmt: skip
SEASONAL = {
    "cet": (1.0, "Europe/Berlin"), "cest": (2.0, "Europe/Berlin"), "mez": (1.0, "Europe/Berlin"),
    "mesz": (2.0, "Europe/Berlin"), "eet": (2.0, "Europe/Helsinki"), "eest": (3.0, "Europe/Helsinki"),
    "wet": (0.0, "Europe/Lisbon"), "west": (1.0, "Europe/Lisbon"), "bst": (1.0, "Europe/London"),
    "est": (-5.0, "America/New_York"), "edt": (-4.0, "America/New_York"),
    "mst": (-7.0, "America/Denver"), "mdt": (-6.0, "America/Denver"), "cdt": (-5.0, "America/Chicago"),
    "pst": (-8.0, "America/Los_Angeles"), "pdt": (-7.0, "America/Los_Angeles"),
    "akst": (-9.0, "America/Anchorage"), "akdt": (-8.0, "America/Anchorage"), "hst": (-10.0, "Pacific/Honolulu"),
    "msk": (3.0, "Europe/Moscow"), "jst": (9.0, "Asia/Tokyo"), "kst": (9.0, "Asia/Seoul"),
    "sgt": (8.0, "Asia/Singapore"), "hkt": (8.0, "Asia/Hong_Kong"), "sast": (2.0, "Africa/Johannesburg"),
    "aest": (10.0, "Australia/Sydney"), "aedt": (11.0, "Australia/Sydney"), "awst": (8.0, "Australia/Perth"),
    "nzst": (12.0, "Pacific/Auckland"), "nzdt": (13.0, "Pacific/Auckland"), "brt": (-3.0, "America/Sao_Paulo"),
}  # fmt: skip
AMBIGUOUS = {
    "ist": "Kolkata, Dublin or Jerusalem", "cst": "Chicago, Shanghai or Havana", "ct": "Chicago",
    "mt": "Denver", "ast": "Halifax or Riyadh", "gst": "Dubai", "pkt": "Karachi", "wst": "a city",
    "sst": "a city", "bdt": "Dhaka", "lt": "a city", "central": "Chicago", "mountain": "Denver",
}  # fmt: skip

_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?([0-5]\d))?$", re.ASCII)


@functools.cache
def _names() -> dict[str, str]:
    """Every zone name and every city, in lower case."""
    every = {name.lower(): name for name in available_timezones() if "/" in name or name == "UTC"}
    cities: dict[str, set[str]] = {}
    for name in every.values():
        region, _, rest = name.partition("/")
        city = rest.rsplit("/", 1)[-1].replace("_", " ").lower()
        if region in _REGIONS and city not in _NOT_CITIES:
            cities.setdefault(city, set()).add(name)
    unique = {}
    for city, names in cities.items():
        # Old names of one place ("America/Louisville", "America/Kentucky/Louisville") are the same clock.
        if len({ZoneInfo(name).key.rsplit("/", 1)[-1] for name in names}) == 1:
            unique[city] = min(names, key=lambda name: (name.count("/"), name))
    return {**unique, **every}


@functools.cache
def _longest_name() -> int:
    return max(name.count(" ") + 1 for name in _names())


def longest_name() -> int:
    """How many words the longest name has."""
    return _longest_name()


def named(text: str) -> str | None:
    """The IANA zone of a name, a city or an abbreviation that always means one clock."""
    return ALIASES.get(text) or _names().get(text)


def offset(text: str) -> tzinfo | None:
    """`+2`, `-05:30`, `+0530`; at most fourteen hours."""
    found = _OFFSET.match(text)
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    if minutes > 14 * 60:
        return None
    return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))
