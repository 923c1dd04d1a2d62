"""The drawing on an event's page: a sunrise whose sun climbs as the event comes nearer."""

import datetime as dt
import math
import random
from dataclasses import dataclass
from typing import Any

_DAYS = 14
"""The sun rises over the last of them, in steps of a day."""
_HILLS = ((430, 26, 120), (495, 30, 90), (560, 24, 150))
_PALETTE = ("#2b2350", "#c9526b", "#f7a35c", "#ffe3b0", "#7a3b5e", "#4b2a55", "#2a1c3d")


def cover(public_id: str, start: dt.datetime, now: dt.datetime) -> dict[str, Any]:
    """What `cover.svg` draws; the same event looks the same on the same day."""
    dice = random.Random(public_id)  # noqa: S311 - a drawing
    days = min(max((start - now).total_seconds() / 86400, 0), _DAYS)
    rise = 1 - math.ceil(days) / _DAYS
    sun = (round(210 + dice.random() * 220), round(455 - 235 * rise))
    hills = [_hill(dice, *each) for each in _HILLS]
    stars = [(dice.randrange(640), dice.randrange(190), dice.choice((1, 1.4, 2))) for _ in range(26)]
    return {"palette": _PALETTE, "sun": sun, "stars": stars, "hills": hills}


@dataclass(frozen=True, slots=True)
class Horizon:
    """The same sunrise in another frame, the sun fully up."""

    sky: tuple[str, str, str]
    light: str
    sun: tuple[float, float, float]
    """Where, and its radius."""
    hills: list[list[tuple[float, float]]]
    earth: tuple[str, ...]


def horizon(public_id: str, width: int, height: int) -> Horizon:
    dice = random.Random(public_id)  # noqa: S311 - a drawing
    sun = (width * (0.72 + dice.random() * 0.18), height * 0.75, height * 0.18)
    lower, wide = height / 640, width / 640
    shapes = [_points(dice, *each) for each in _HILLS]
    hills = [[(0.0, height), *((x * wide, (y + 60) * lower) for x, y in each), (width, height)] for each in shapes]
    return Horizon(_PALETTE[:3], _PALETTE[3], sun, hills, _PALETTE[4:])


def _hill(dice: random.Random, base: int, height: int, width: int) -> str:
    return "M0 640 L" + " ".join(f"{x} {y:.0f}" for x, y in _points(dice, base, height, width)) + " L640 640Z"


def _points(dice: random.Random, base: int, height: int, width: int) -> list[tuple[int, float]]:
    phase = dice.random() * 6.3
    return [
        (x, base + height * (math.sin(x / width + phase) + 0.45 * math.sin(x / (width * 0.43) + phase * 2)))
        for x in range(0, 641, 32)
    ]
