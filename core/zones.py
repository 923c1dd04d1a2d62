"""Zones as people name them: IANA names, cities, and abbreviations that always mean one clock."""

import functools
import unicodedata
from zoneinfo import ZoneInfo, available_timezones

from core.errors import SoonishError, invalid

# What people write → an IANA zone whose clock it means whatever the season. Cities that many communities name and that
# have no zone of their own.
_ALIASES = {
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
# Of these, the ones that are no place, or one of many, where nothing but a zone is asked for too.
_VAGUE = {
    "act", "center", "east", "general", "knox", "lhi", "north", "petersburg", "san juan", "san luis", "santa isabel",
    "south", "victoria", "vincennes", "west",
}  # fmt: skip
_LONGEST = 64


@functools.cache
def zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def _names() -> dict[str, str]:
    """Every whole zone name and every city, in lower case. A city that ends several names is the same place in all:
    `America/Louisville` is an old name of `America/Kentucky/Louisville`."""
    whole = {name.lower(): name for name in zone_names() if "/" in name or name in {"UTC", "Singapore", "Hongkong"}}
    cities: dict[str, str] = {}
    for name in sorted(whole.values(), key=lambda name: (name.count("/"), name)):
        city = _words(name.rsplit("/", 1)[-1])
        if name.partition("/")[0] in _REGIONS and city not in _NOT_CITIES:
            cities.setdefault(city, name)
    return {**cities, **whole, **_ALIASES}


def _words(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").replace("'", "").replace("\u2019", "").split())


def _ends() -> dict[str, list[str]]:
    """By their last words, the zones of which these are no city that everybody means."""
    found: dict[str, list[str]] = {}
    for name in sorted(zone_names()):
        region, _, rest = name.partition("/")
        if rest and region not in {"Etc", "SystemV"}:
            found.setdefault(_words(rest.rsplit("/", 1)[-1]), []).append(name)
    return found


# Read when the module is: the first phrase shall not wait for it.
_NAMES = _names()
_WHOLE = {_words(name): name for name in zone_names() - {"localtime", "posixrules", "Factory"}}
_ENDS = _ends()
LONGEST_NAME = max(name.count(" ") + 1 for name in _NAMES)
"""How many words the longest name has."""


def named(text: str) -> str | None:
    """The IANA zone of a name, a city or an abbreviation that always means one clock; `text` in lower case."""
    return _NAMES.get(text) or _NAMES.get(_without_accents(text))


def _without_accents(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def zone(name: str) -> ZoneInfo:
    """The zone that somebody names, in whatever case, by its city alone or with spaces; its `key` is the canonical
    name. Raises SoonishError for anything else, with the zones that it could be."""
    if len(name) > _LONGEST:
        raise _unknown()
    words = _words(name)
    found = _WHOLE.get(words) or named(words)
    if found is not None:
        return ZoneInfo(found)
    could_be = _ENDS.get(_without_accents(words), [])
    if not could_be:
        raise _unknown()
    if len(could_be) == 1 and words not in _VAGUE:
        return ZoneInfo(could_be[0])
    hint = f"Write {' or '.join(could_be)}." if len(could_be) > 1 else f"If you mean {could_be[0]}, write all of it."
    raise invalid("That is more than one place.", field="timezone", hint=hint)


def _unknown() -> SoonishError:
    return invalid("That time zone is not known.", field="timezone", hint="Use a city, or a name like Europe/Berlin.")
