"""Clocks that are named beside a time: abbreviations, with one meaning or a season, and offsets."""

import functools
import re
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

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

_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?([0-5]\d))?$", re.ASCII)


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
