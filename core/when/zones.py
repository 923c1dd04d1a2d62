"""Zones as people name them: IANA names, cities, abbreviations with one meaning, offsets."""

import functools
import re
import unicodedata
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from core.times import zone_names

# What people write → an IANA zone whose clock it means whatever the season. Cities that many communities name and that
# have no zone of their own.
ALIASES = {
    "utc": "UTC", "gmt": "UTC", "z": "UTC", "zulu": "UTC",
    "et": "America/New_York", "eastern": "America/New_York", "pt": "America/Los_Angeles",
    "pacific": "America/Los_Angeles", "uk": "Europe/London", "japan": "Asia/Tokyo", "india": "Asia/Kolkata",
    "germany": "Europe/Berlin", "ct": "America/Chicago",
    "central": "America/Chicago", "mt": "America/Denver", "mountain": "America/Denver",
    **dict.fromkeys(("nyc", "boston", "philadelphia", "atlanta", "miami"), "America/New_York"),
    **dict.fromkeys(("austin", "dallas", "houston"), "America/Chicago"),
    **dict.fromkeys(("san francisco", "seattle", "san diego", "las vegas"), "America/Los_Angeles"),
    **dict.fromkeys(("montreal", "ottawa"), "America/Toronto"), "calgary": "America/Edmonton",
    "rio": "America/Sao_Paulo", "rio de janeiro": "America/Sao_Paulo",
    **dict.fromkeys(("edinburgh", "glasgow"), "Europe/London"),
    **dict.fromkeys(("munich", "münchen", "hamburg", "cologne", "köln", "frankfurt"), "Europe/Berlin"),
    **dict.fromkeys(("barcelona",), "Europe/Madrid"), "milan": "Europe/Rome", "geneva": "Europe/Zurich",
    **dict.fromkeys(("mumbai", "delhi", "new delhi", "bangalore", "bengaluru", "kolkata"), "Asia/Kolkata"),
    "beijing": "Asia/Shanghai", "osaka": "Asia/Tokyo", "kyiv": "Europe/Kyiv", "wellington": "Pacific/Auckland",
}  # fmt: skip
# Abbreviations that hold for a part of the year: the offset in hours, and the zone in which it must be in force.
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
    "useasternstandard": (-5.0, "America/New_York"), "useasterndaylight": (-4.0, "America/New_York"),
    "uscentralstandard": (-6.0, "America/Chicago"), "uscentraldaylight": (-5.0, "America/Chicago"),
    "usmountainstandard": (-7.0, "America/Denver"), "usmountaindaylight": (-6.0, "America/Denver"),
    "uspacificstandard": (-8.0, "America/Los_Angeles"), "uspacificdaylight": (-7.0, "America/Los_Angeles"),
    "nzst": (12.0, "Pacific/Auckland"), "nzdt": (13.0, "Pacific/Auckland"), "brt": (-3.0, "America/Sao_Paulo"),
}  # fmt: skip
AMBIGUOUS = {
    "ist": "Kolkata, Dublin or Jerusalem", "cst": "Chicago, Shanghai or Havana", "ast": "Halifax or Riyadh",
    "gst": "Dubai", "pkt": "Karachi", "wst": "Apia", "sst": "Singapore or Pago Pago", "bdt": "Dhaka", "lt": "Vilnius",
}  # fmt: skip

_REGIONS = {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
# Last parts of zone names that are also words of everyday speech or feasts ("reunion", "christmas"), or that name
# several places people mean ("San Juan" is not in Argentina to most). Their whole zone name is always understood.
_NOT_CITIES = {
    "act", "beulah", "canary", "cape verde", "casey", "center", "christmas", "comodrivadavia", "cordoba", "creston",
    "currie", "davis", "dawson", "east", "easter", "eastern", "general", "guadeloupe", "jersey", "johnston", "knox",
    "knox in", "la paz", "la rioja", "lhi", "marengo", "mawson", "merida", "midway", "monticello", "new salem",
    "nome", "norfolk", "north", "nsw", "oral", "palmer", "petersburg", "queensland", "regina", "resolute", "reunion",
    "samoa", "san juan", "san luis", "santa isabel", "south", "south georgia", "south pole", "st johns", "stanley",
    "tasmania", "tell city", "troll", "truk", "vevay", "victoria", "vincennes", "virgin", "wake", "wallis", "west",
    "winamac", "yap",
}  # fmt: skip

_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?([0-5]\d))?$", re.ASCII)


def _names() -> dict[str, str]:
    """Every whole zone name and every city, in lower case. A city that ends several names is the same place in all:
    `America/Louisville` is an old name of `America/Kentucky/Louisville`."""
    whole = {name.lower(): name for name in zone_names() if "/" in name or name in {"UTC", "Singapore", "Hongkong"}}
    cities: dict[str, str] = {}
    for name in sorted(whole.values(), key=lambda name: (name.count("/"), name)):
        city = name.rsplit("/", 1)[-1].replace("_", " ").lower()
        if name.partition("/")[0] in _REGIONS and city not in _NOT_CITIES:
            cities.setdefault(city, name)
    return {**cities, **whole, **ALIASES}


# Read when the module is: the first phrase shall not wait for it.
_NAMES = _names()
LONGEST_NAME = max(name.count(" ") + 1 for name in _NAMES)
"""How many words the longest name has."""


def named(text: str) -> str | None:
    """The IANA zone of a name, a city or an abbreviation that always means one clock."""
    return _NAMES.get(text) or _NAMES.get(_without_accents(text))


def _without_accents(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def shown(abbreviation: str) -> str:
    """As people write it: `CEST`, `Eastern daylight time`."""
    for season in ("standard", "daylight"):
        if abbreviation.endswith(season):
            return f"{abbreviation[2:].removesuffix(season)} {season} time".capitalize()
    return abbreviation.upper()


@functools.lru_cache(maxsize=64)
def abbreviations(zone: str) -> dict[str, float]:
    """What people there call their own clock in winter and summer, in lower case, with the offset in hours: `ist` means
    one thing to somebody in Kolkata."""
    found = {}
    for month in (1, 7):
        there = datetime(2026, month, 1, 12, tzinfo=ZoneInfo(zone))
        offset = there.utcoffset()
        if offset is not None:
            found[(there.tzname() or "").lower()] = offset.total_seconds() / 3600
    return found


def offset(text: str) -> tzinfo | None:
    """`+2`, `-05:30`, `+0530`; at most fourteen hours."""
    found = _OFFSET.match(text)
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    if minutes > 14 * 60:
        return None
    return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))
