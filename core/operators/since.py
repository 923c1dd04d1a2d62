"""From which row on a table is younger than an instant: rows are numbered as they are made, so that no index over
their times is needed. Some twenty looks at the primary key, however long the table."""

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db.models import AuditEntry, Delivery, Notification, Subscription

_Numbered = type[AuditEntry] | type[Delivery] | type[Notification] | type[Subscription]


async def first_id(session: AsyncSession, table: _Numbered, moment: dt.datetime) -> int:
    """An id that the rows made at that moment or later have or exceed, and no earlier one does."""
    # Each in a query of its own: asked for both at once, SQLite reads the whole table.
    ends = [select(end(table.id)).scalar_subquery() for end in (func.min, func.max)]
    low, last = (await session.execute(select(*ends))).one()
    if last is None:
        return 1
    high = int(last) + 1
    while low < high:
        middle = (low + high) // 2
        row = (
            await session.execute(
                select(table.id, table.created_at).where(table.id >= middle).order_by(table.id).limit(1)
            )
        ).one()
        if row.created_at < moment:
            low = row.id + 1
        else:
            high = middle
    return int(low)
