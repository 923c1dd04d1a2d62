"""The service in numbers, a value a day: what is made, followed, delivered, failing and finished. Counts of rows, and
nobody's name.

A whole month of a million deliveries is counted in one pass, so the answer is shared by all who ask for a while.
"""

import asyncio
import datetime as dt
from collections import Counter, defaultdict
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute

from core.clock import UTC
from core.db.models import Delivery, Event, Integration, Notification, Subscription
from core.operators.since import first_id
from core.work import SYSTEM, Core, Work

DAYS = 30
_FRESH = dt.timedelta(minutes=5)
_LINES_AT_MOST = 4
_NO_CHANNEL = "Removed"


class Series(BaseModel):
    """A line of a plot: a value for each day, None where there was nothing to count."""

    name: str
    values: list[float | None]


class Plot(BaseModel):
    title: str
    unit: str
    """"" for a number, % for a share."""
    about: str
    series: list[Series]


class Numbers(BaseModel):
    as_of: dt.datetime
    days: list[dt.date]
    """UTC days, oldest first; the last one is not over."""
    plots: list[Plot]


class NumbersGauge:
    """The latest numbers, counted once at a time and at most every few minutes. Whoever asks is let in before."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._last: Numbers | None = None
        self._turn = asyncio.Lock()

    async def look(self) -> Numbers:
        async with self._turn:
            if self._last is None or self._core.clock.now() - self._last.as_of >= _FRESH:
                self._last = await self._core.ask(SYSTEM, count_numbers)
            return self._last


async def count_numbers(work: Work) -> Numbers:
    today = work.now.astimezone(UTC).date()
    days = [today - dt.timedelta(days=ago) for ago in reversed(range(DAYS))]
    since = dt.datetime.combine(days[0], dt.time(), UTC)
    delivered, failed = await _deliveries(work, since)
    plots = [
        _counts("Events made", "New events a day.", await _made(work, Event.created_at, since), days),
        _counts("Subscriptions", "Requests to follow a day.", await _subscribed(work, since), days),
        _delivered(delivered, failed, days),
        _failing(delivered, failed, days),
        _finished(await _messages(work, since), days),
    ]
    return Numbers(as_of=work.now, days=days, plots=plots)


_Daily = dict[dt.date, int]
_ByKind = dict[tuple[dt.date, str], int]


def _day(work: Work, column: InstrumentedAttribute[dt.datetime]) -> ColumnElement[Any]:
    """The UTC day as `2027-05-01`."""
    if work.core.db.sqlite:
        return func.substr(column, 1, 10)
    return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD")


async def _made(work: Work, column: InstrumentedAttribute[dt.datetime], since: dt.datetime) -> _Daily:
    day = _day(work, column)
    rows = await work.session.execute(select(day, func.count()).where(column >= since).group_by(day))
    return {dt.date.fromisoformat(found): number for found, number in rows}


async def _subscribed(work: Work, since: dt.datetime) -> _Daily:
    day, first = _day(work, Subscription.created_at), await first_id(work.session, Subscription, since)
    rows = await work.session.execute(select(day, func.count()).where(Subscription.id >= first).group_by(day))
    return {dt.date.fromisoformat(found): number for found, number in rows}


async def _deliveries(work: Work, since: dt.datetime) -> tuple[_ByKind, _ByKind]:
    """(day, kind of channel) → delivered, and given up. Grouped by channel first: there are far fewer of those than
    deliveries."""
    first = await first_id(work.session, Delivery, since)
    day = _day(work, Delivery.created_at).label("day")
    each = (
        select(day, Delivery.integration_id, Delivery.status, func.count().label("number"))
        .where(Delivery.id >= first, Delivery.status.in_(("delivered", "dead")))
        .group_by(day, Delivery.integration_id, Delivery.status)
        .subquery()
    )
    kind = func.coalesce(Integration.kind, _NO_CHANNEL)
    rows = await work.session.execute(
        select(each.c.day, kind, each.c.status, func.sum(each.c.number))
        .outerjoin(Integration, Integration.id == each.c.integration_id)
        .group_by(each.c.day, kind, each.c.status)
    )
    found: dict[str, _ByKind] = {"delivered": {}, "dead": {}}
    for day_found, name, status, number in rows:
        found[status][dt.date.fromisoformat(day_found), name] = int(number)
    return found["delivered"], found["dead"]


async def _messages(work: Work, since: dt.datetime) -> dict[dt.date, tuple[int, int]]:
    """Day → messages made, and of those how many are finished: nothing of them waits."""
    day, first = _day(work, Notification.created_at), await first_id(work.session, Notification, since)
    finished = func.sum(case((Notification.closed_at.is_not(None), 1), else_=0))
    rows = await work.session.execute(select(day, func.count(), finished).where(Notification.id >= first).group_by(day))
    return {dt.date.fromisoformat(found): (number, int(done)) for found, number, done in rows}


def _counts(title: str, about: str, found: _Daily, days: list[dt.date]) -> Plot:
    values: list[float | None] = [float(found.get(day, 0)) for day in days]
    return Plot(title=title, unit="", about=about, series=[Series(name=title, values=values)])


def _delivered(delivered: _ByKind, failed: _ByKind, days: list[dt.date]) -> Plot:
    good, bad = _each_day(delivered), _each_day(failed)
    values = [_share(good[day], good[day] + bad[day]) for day in days]
    about = "Of the deliveries that ended, the share that arrived."
    return Plot(title="Deliveries that arrived", unit="%", about=about, series=[Series(name="Arrived", values=values)])


def _failing(delivered: _ByKind, failed: _ByKind, days: list[dt.date]) -> Plot:
    """The kinds of channel that were used most."""
    used: Counter[str] = Counter()
    for (_, kind), number in [*delivered.items(), *failed.items()]:
        used[kind] += number
    series = []
    for kind, _ in used.most_common(_LINES_AT_MOST):
        pairs = [(failed.get((day, kind), 0), delivered.get((day, kind), 0)) for day in days]
        series.append(Series(name=kind, values=[_share(bad, bad + good) for bad, good in pairs]))
    about = "Of the deliveries that ended, the share that was given up, by kind of channel."
    return Plot(title="Channels that fail", unit="%", about=about, series=series)


def _finished(found: dict[dt.date, tuple[int, int]], days: list[dt.date]) -> Plot:
    values = [_share(done, number) for number, done in (found.get(day, (0, 0)) for day in days)]
    about = "Of the messages made that day, the share whose workflow has nothing left to send."
    return Plot(title="Workflows that finished", unit="%", about=about, series=[Series(name="Finished", values=values)])


def _each_day(found: _ByKind) -> defaultdict[dt.date, int]:
    sums: defaultdict[dt.date, int] = defaultdict(int)
    for (day, _), number in found.items():
        sums[day] += number
    return sums


def _share(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None
