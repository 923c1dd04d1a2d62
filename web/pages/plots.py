"""A plot's numbers as the geometry of a drawing: pure functions, so that a template only writes it down."""

import datetime as dt
import itertools
import math
from dataclasses import dataclass

from core.operators.numbers import Plot, Series

WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, _TOP, _BOTTOM = 42, 8, 10, 22
_MARKS = 3
"""Days named below the drawing."""


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    style: int
    """Which of the four ways to draw a line: they differ by more than colour."""
    paths: list[str]
    dots: list[tuple[float, float]]
    """Days between two that have nothing to show."""


@dataclass(frozen=True, slots=True)
class Drawing:
    number: int
    title: str
    about: str
    """What the plot shows, and its latest values, for who cannot see it."""
    lines: list[Line]
    levels: list[tuple[float, str]]
    days: list[tuple[float, str, str]]
    """Where, its name, and how that is anchored."""
    head: list[str]
    rows: list[tuple[str, list[str]]]
    """The same as a table, the latest day first."""


def draw(number: int, plot: Plot, days: list[dt.date]) -> Drawing:
    top = 100.0 if plot.unit else _ceiling(plot.series)
    levels = [(_y(top * part, top), said(top * part, plot.unit)) for part in (0, 0.5, 1)]
    places = [round(step * (len(days) - 1) / (_MARKS - 1)) for step in range(_MARKS)]
    anchors = ["start", "middle", "end"]
    return Drawing(
        number=number,
        title=plot.title,
        about=f"{plot.about} {_latest(plot)}",
        lines=[_line(style + 1, each, top) for style, each in enumerate(plot.series)],
        levels=levels,
        days=[(_x(at, len(days)), _short(days[at]), anchor) for at, anchor in zip(places, anchors, strict=True)],
        head=[each.name for each in plot.series],
        rows=[
            (_short(day), [said(each.values[at], plot.unit) for each in plot.series])
            for at, day in reversed(list(enumerate(days)))
        ],
    )


def said(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{value:g} %" if unit else f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _latest(plot: Plot) -> str:
    parts = []
    for each in plot.series:
        value = next((value for value in reversed(each.values) if value is not None), None)
        if value is not None:
            name = f"{each.name} " if len(plot.series) > 1 else ""
            parts.append(name + said(value, plot.unit))
    return f"Latest: {', '.join(parts)}." if parts else "Nothing was counted yet."


def _ceiling(series: list[Series]) -> float:
    """A round number that no value is above."""
    most = max((value for each in series for value in each.values if value is not None), default=0)
    if most <= 2:
        return 2.0
    size = 10 ** math.floor(math.log10(most))
    return float(next(step * size for step in (1, 2, 5, 10) if step * size >= most))


def _line(style: int, series: Series, top: float) -> Line:
    count = len(series.values)
    points = [None if value is None else (_x(at, count), _y(value, top)) for at, value in enumerate(series.values)]
    runs = [list(run) for there, run in itertools.groupby(points, key=lambda point: point is not None) if there]
    paths, dots = [], []
    for run in runs:
        known = [point for point in run if point is not None]
        if len(known) == 1:
            dots += known
        else:
            paths.append(" ".join(f"{x:g},{y:g}" for x, y in known))
    return Line(series.name, style, paths, dots)


def _x(at: int, count: int) -> float:
    return round(LEFT + at * (WIDTH - LEFT - RIGHT) / max(1, count - 1), 1)


def _y(value: float, top: float) -> float:
    return round(HEIGHT - _BOTTOM - value / top * (HEIGHT - _TOP - _BOTTOM), 1)


def _short(day: dt.date) -> str:
    return f"{day.day} {day:%b}"
