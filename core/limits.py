"""Fixed-window limits, counted in the database so that every process shares them."""

import datetime as dt

from sqlalchemy import case
from sqlalchemy.dialects import postgresql, sqlite

from core.db.models import Bucket
from core.errors import Code, SoonishError
from core.work import Work

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


async def take(work: Work, name: str, who: str, limit: int, window: dt.timedelta, amount: int = 1) -> int | None:
    """Count `amount` against `limit` per `window`. None when it fits, else the seconds until the window ends.

    `who` is stored as a keyed hash. A refusal that rolls the transaction back also takes its count back.
    """
    key = f"{name}:{work.keys.digest('bucket', who)}"
    over = Bucket.resets_at <= work.now
    insert = sqlite.insert if work.core.db.sqlite else postgresql.insert
    statement = insert(Bucket).values(key=key, used=amount, resets_at=work.now + window)
    row = (
        await work.session.execute(
            statement.on_conflict_do_update(
                index_elements=[Bucket.key],
                set_={
                    "used": case((over, amount), else_=Bucket.used + amount),
                    "resets_at": case((over, work.now + window), else_=Bucket.resets_at),
                },
            ).returning(Bucket.used, Bucket.resets_at)
        )
    ).one()
    return None if row.used <= limit else max(1, int((row.resets_at - work.now).total_seconds()) + 1)


async def demand(work: Work, name: str, who: str, limit: int, window: dt.timedelta, amount: int = 1) -> None:
    """As `take`, but refuses with `retry_after`."""
    wait = await take(work, name, who, limit, window, amount)
    if wait is not None:
        raise SoonishError(
            Code.LIMITED, "That is too many in a short time.", hint=f"Try again in {wait} seconds.", retry_after=wait
        )
