"""Fixed-window limits, counted in the database so that every process shares them."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import FromClause, Integer, Row, String, bindparam, case, cast, delete, select, true, union_all
from sqlalchemy.dialects import postgresql, sqlite

from core.db.models import Bucket
from core.db.types import UtcDateTime
from core.errors import Code, SoonishError
from core.work import Work

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


class Limit(NamedTuple):
    """`most` per `window`, for each `who`, which is stored as a keyed hash."""

    name: str
    who: str
    most: int
    window: dt.timedelta


@cache
def _count(insert: Callable[[FromClause], Any], limits: int) -> Any:
    """One statement that begins windows, counts in them, or begins the next ones.

    Rows are selected, because SQLAlchemy compiles VALUES of several rows anew each time.
    """
    amount, now = bindparam("amount", type_=Integer), bindparam("now", type_=UtcDateTime)
    rows = [
        # WHERE: without one SQLite takes ON CONFLICT for the condition of a join.
        select(cast(bindparam(f"key{n}"), String), amount, bindparam(f"end{n}", type_=UtcDateTime)).where(true())
        for n in range(limits)
    ]
    begin = insert(Bucket.__table__).from_select(["key", "used", "resets_at"], union_all(*rows))
    over = Bucket.resets_at <= now
    return begin.on_conflict_do_update(
        index_elements=[Bucket.key],
        set_={
            "used": case((over, begin.excluded.used), else_=Bucket.used + begin.excluded.used),
            "resets_at": case((over, begin.excluded.resets_at), else_=Bucket.resets_at),
        },
    ).returning(Bucket.key, Bucket.used, Bucket.resets_at)


async def take(work: Work, name: str, who: str, limit: int, window: dt.timedelta, amount: int = 1) -> int | None:
    """Count `amount` against `limit` per `window`. None when it fits, else the seconds until the window ends.

    A refusal that rolls the transaction back also takes its count back.
    """
    (wait,) = await _take(work, [Limit(name, who, limit, window)], amount)
    return wait


async def take_all(work: Work, limits: Sequence[Limit]) -> bool:
    """Count one against each, if it fits all: what one of them refuses uses nothing of the others up."""
    waits = await _take(work, limits, 1)
    unused = [limit for limit, wait in zip(limits, waits, strict=True) if wait is None]
    if len(unused) == len(limits):
        return True
    if unused:
        await _take(work, unused, -1)
    return False


async def give_back(work: Work, name: str, people: Iterable[str]) -> None:
    """These have used up nothing of that limit any more."""
    keys = [_key(work, name, who) for who in people]
    if keys:
        await work.session.execute(delete(Bucket).where(Bucket.key.in_(keys)))


def _key(work: Work, name: str, who: str) -> str:
    return f"{name}:{work.keys.digest('bucket', who)}"


async def _take(work: Work, limits: Sequence[Limit], amount: int) -> list[int | None]:
    keys = [_key(work, limit.name, limit.who) for limit in limits]
    given: dict[str, Any] = {"amount": amount, "now": work.now}
    for number, (key, limit) in enumerate(zip(keys, limits, strict=True)):
        given |= {f"key{number}": key, f"end{number}": work.now + limit.window}
    count = _count(sqlite.insert if work.core.db.sqlite else postgresql.insert, len(limits))
    found = {row.key: row for row in await work.session.execute(count, given)}
    return [_wait(work, found[key], limit.most) for key, limit in zip(keys, limits, strict=True)]


def _wait(work: Work, bucket: Row[Any], most: int) -> int | None:
    return None if bucket.used <= most else max(1, int((bucket.resets_at - work.now).total_seconds()) + 1)


async def demand(work: Work, name: str, who: str, limit: int, window: dt.timedelta, amount: int = 1) -> None:
    """As `take`, but refuses with `retry_after`."""
    wait = await take(work, name, who, limit, window, amount)
    if wait is not None:
        raise SoonishError(
            Code.LIMITED, "That is too many in a short time.", hint=f"Try again in {wait} seconds.", retry_after=wait
        )
