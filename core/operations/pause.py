"""Stopping and resuming all sending. What is owed stays in the ledger and goes out afterwards."""

import datetime as dt

from pydantic import BaseModel
from sqlalchemy import exists, func, select

from core.db.models import Delivery, Notification, ServiceFlag
from core.integrations.flush import reopen
from core.notifications.rows import OPEN, PAUSED
from core.work import Work


class Sending(BaseModel):
    paused: bool
    since: dt.datetime | None
    waiting: int
    """Deliveries that are due now or later, not counting channels that are switched off."""


async def pause_sending(work: Work) -> Sending:
    """Stop all sending; pausing twice keeps the first time."""
    work.subject = "service"
    if await work.session.get(ServiceFlag, PAUSED) is None:
        work.session.add(ServiceFlag(name=PAUSED, value="by the operator", set_at=work.now))
        await work.session.flush()
    return await sending_state(work)


async def resume_sending(work: Work) -> Sending:
    """Send again: whoever carries something that waits is rung, so that it goes out at once."""
    work.subject = "service"
    flag = await work.session.get(ServiceFlag, PAUSED)
    if flag is not None:
        await work.session.delete(flag)
        await reopen(work, await _waiting(work))
    return await sending_state(work)


async def _waiting(work: Work) -> set[tuple[int, int | None]]:
    """(notification, its event) of everything that is due."""
    rows = await work.session.execute(
        select(Notification.id, Notification.event_id).where(
            exists().where(Delivery.notification_id == Notification.id, OPEN, Delivery.next_attempt_at <= work.now)
        )
    )
    return {(row.id, row.event_id) for row in rows}


async def sending_state(work: Work) -> Sending:
    flag = await work.session.get(ServiceFlag, PAUSED)
    waiting = await work.session.scalar(select(func.count()).select_from(Delivery).where(OPEN))
    return Sending(paused=flag is not None, since=flag.set_at if flag else None, waiting=waiting or 0)
