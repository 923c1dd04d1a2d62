"""What waits, asked of the database: once every few seconds at most, however many ask, and at a bounded cost."""

import asyncio
import datetime as dt
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.exc import SQLAlchemyError

from core.db.models import Delivery, Notification, OutboxRow
from core.notifications.kinds import KINDS
from core.notifications.rows import OPEN, sending_paused
from core.work import SYSTEM, Core, Work

COUNTED_AT_MOST = 200_000
"""Rows; what is more is counted as this many."""
LATE = dt.timedelta(minutes=1)
BULK_LATE = dt.timedelta(minutes=10)
_FRESH = 5.0
_SECONDS = 3.0
_NONE = dt.timedelta()


@dataclass(frozen=True, slots=True)
class Backlog:
    """`ages`: for each lane, how long its oldest undelivered row has been due. `depths`: open rows of each kind."""

    ages: dict[str, dt.timedelta]
    depths: dict[str, int]
    unrelayed: int
    unrelayed_for: dt.timedelta
    """How long the oldest bell has waited to be rung."""
    paused: bool

    @property
    def late(self) -> bool:
        """Whether nobody seems to fetch what is due. A large message takes its time, and is being worked on."""
        prompt = max(self.ages["prompt"], self.unrelayed_for)
        return prompt > LATE or self.ages["bulk"] > BULK_LATE


def oldest_due(now: dt.datetime) -> Select[str, dt.datetime]:
    """The earliest due instant of each kind: one look into an index for each notification that is open."""
    first = (
        select(func.min(Delivery.next_attempt_at, type_=Delivery.next_attempt_at.type))
        .where(OPEN, Delivery.notification_id == Notification.id)
        .correlate(Notification)
        .scalar_subquery()
    )
    each = select(Notification.kind, first.label("due_at")).where(Notification.closed_at.is_(None)).subquery()
    oldest = func.min(each.c.due_at, type_=Delivery.next_attempt_at.type)
    return select(each.c.kind, oldest).where(each.c.due_at <= now).group_by(each.c.kind)


def depths() -> Select[str, int]:
    """Open rows of each kind, read from their index alone."""
    rows = select(Delivery.notification_id).where(OPEN).limit(COUNTED_AT_MOST).subquery()
    each = select(rows.c.notification_id, func.count().label("number")).group_by(rows.c.notification_id).subquery()
    number = func.sum(each.c.number)
    return (
        select(Notification.kind, number)
        .join(each, each.c.notification_id == Notification.id)
        .group_by(Notification.kind)
    )


async def backlog(work: Work) -> Backlog:
    ages = dict.fromkeys(("prompt", "bulk"), _NONE)
    for kind, due_at in await work.session.execute(oldest_due(work.now)):
        lane = KINDS[kind].lane
        ages[lane] = max(ages[lane], work.now - due_at)
    found = Counter(dict.fromkeys(KINDS, 0))
    for kind, number in await work.session.execute(depths()):
        found[kind] += int(number)
    waiting = select(OutboxRow.created_at).where(OutboxRow.relayed_at.is_(None)).order_by(OutboxRow.id)
    oldest = await work.session.scalar(waiting.limit(1))
    capped = waiting.limit(COUNTED_AT_MOST).subquery()
    return Backlog(
        ages=ages,
        depths=dict(found),
        unrelayed=await work.session.scalar(select(func.count()).select_from(capped)) or 0,
        unrelayed_for=max(_NONE, work.now - oldest) if oldest else _NONE,
        paused=await sending_paused(work.session),
    )


class BacklogGauge:
    """The latest backlog. None when the database does not say."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._last: Backlog | None = None
        self._asked_at: float | None = None
        self._turn = asyncio.Lock()

    async def look(self) -> Backlog | None:
        async with self._turn:
            now = asyncio.get_running_loop().time()
            if self._asked_at is not None and now - self._asked_at < _FRESH:
                return self._last
            self._asked_at = now
            try:
                async with asyncio.timeout(_SECONDS):
                    self._last = await self._core.ask(SYSTEM, backlog)
            except (SQLAlchemyError, OSError, TimeoutError):
                self._last = None
            return self._last
