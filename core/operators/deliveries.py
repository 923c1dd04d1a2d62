"""What was given up: how much of it for which reason, and trying it again in batches."""

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, text, update

from core.db.models import Delivery, Notification
from core.integrations.flush import reopen
from core.operators.access import require_operator
from core.work import Work

AT_ONCE = 1_000
"""Deliveries that one press tries again."""
_GROUPS_AT_MOST = 100
# Written out, because SQLite matches a partial index only by the literal text of its condition.
_DEAD = text("deliveries.status = 'dead'")


class DeadGroup(BaseModel):
    kind: str
    code: str
    number: int
    latest: dt.datetime


class Dead(BaseModel):
    """Most first."""

    items: list[DeadGroup]


class Which(BaseModel):
    """The given-up deliveries of one kind of message, for one reason."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str, Field(min_length=1, max_length=40)]
    code: Annotated[str, Field(max_length=80)] = ""
    limit: Annotated[int, Field(ge=1, le=AT_ONCE)] = AT_ONCE


class Requeued(BaseModel):
    requeued: int
    left: bool
    """Whether there are more of them."""


async def dead_deliveries(work: Work) -> Dead:
    """What was given up, by the kind of message and the reason's code."""
    await require_operator(work)
    code, number = func.coalesce(Delivery.code, ""), func.count()
    rows = await work.session.execute(
        select(Notification.kind, code, number, func.max(Delivery.created_at, type_=Delivery.created_at.type))
        .join(Notification, Notification.id == Delivery.notification_id)
        .where(_DEAD)
        .group_by(Notification.kind, code)
        .order_by(number.desc(), Notification.kind, code)
        .limit(_GROUPS_AT_MOST)
    )
    return Dead(items=[DeadGroup(kind=k, code=c, number=n, latest=at) for k, c, n, at in rows])


async def requeue_dead(work: Work, which: Which) -> Requeued:
    """Try them again from the first attempt, the newest first. What is no longer owed or no longer news the claim
    leaves out, as always; nobody's daily limit is charged."""
    await require_operator(work, to_change=True)
    work.subject = "service"
    found = (
        await work.session.execute(
            select(Delivery.id, Delivery.notification_id, Notification.event_id)
            .join(Notification, Notification.id == Delivery.notification_id)
            .where(_DEAD, Notification.kind == which.kind, func.coalesce(Delivery.code, "") == which.code)
            .order_by(Delivery.id.desc())
            .limit(which.limit + 1)
        )
    ).all()
    chosen = found[: which.limit]
    requeued = 0
    if chosen:
        await reopen(work, {(row.notification_id, row.event_id) for row in chosen})
        queued = await work.session.execute(
            update(Delivery)
            # Who pressed it at the same time has taken some, or all of them (PostgreSQL).
            .where(Delivery.id.in_([row.id for row in chosen]), Delivery.status == "dead")
            .values(status="queued", attempts=0, next_attempt_at=work.now, code=None, reason=None)
            .execution_options(synchronize_session=False)
        )
        requeued = int(queued.rowcount)  # type: ignore[attr-defined]
    work.detail = {"kind": which.kind, "code": which.code, "requeued": requeued}
    return Requeued(requeued=requeued, left=len(found) > which.limit)
