"""Fixed-window limits, counted in the database so that every process shares them."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy import Integer, bindparam, case
from sqlalchemy.dialects import postgresql, sqlite

from core.db.models import Bucket
from core.db.types import UtcDateTime
from core.errors import Code, SoonishError
from core.work import Work

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def _count(insert: Callable[[type[Bucket]], Any]) -> Any:
    """One statement that begins a window, counts in it, or begins the next."""
    amount, end = bindparam("amount", type_=Integer), bindparam("end", type_=UtcDateTime)
    over = Bucket.resets_at <= bindparam("now", type_=UtcDateTime)
    return (
        insert(Bucket)
        .values(key=bindparam("key"), used=amount, resets_at=end)
        .on_conflict_do_update(
            index_elements=[Bucket.key],
            set_={
                "used": case((over, amount), else_=Bucket.used + amount),
                "resets_at": case((over, end), else_=Bucket.resets_at),
            },
        )
        .returning(Bucket.used, Bucket.resets_at)
    )


_COUNT_SQLITE, _COUNT_POSTGRESQL = _count(sqlite.insert), _count(postgresql.insert)


async def take(work: Work, name: str, who: str, limit: int, window: dt.timedelta, amount: int = 1) -> int | None:
    """Count `amount` against `limit` per `window`. None when it fits, else the seconds until the window ends.

    `who` is stored as a keyed hash. A refusal that rolls the transaction back also takes its count back.
    """
    key = f"{name}:{work.keys.digest('bucket', who)}"
    given = {"key": key, "amount": amount, "now": work.now, "end": work.now + window}
    row = (await work.session.execute(_COUNT_SQLITE if work.core.db.sqlite else _COUNT_POSTGRESQL, given)).one()
    return None if row.used <= limit else max(1, int((row.resets_at - work.now).total_seconds()) + 1)


async def demand(work: Work, name: str, who: str, limit: int, window: dt.timedelta, amount: int = 1) -> None:
    """As `take`, but refuses with `retry_after`."""
    wait = await take(work, name, who, limit, window, amount)
    if wait is not None:
        raise SoonishError(
            Code.LIMITED, "That is too many in a short time.", hint=f"Try again in {wait} seconds.", retry_after=wait
        )
