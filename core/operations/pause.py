"""Stopping and resuming all sending. What is owed stays in the ledger and goes out afterwards."""

import datetime as dt

from pydantic import BaseModel
from sqlalchemy import func, select

from core.db.models import Delivery, ServiceFlag
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
    """Send again. The worker looks at least every few seconds, so nothing needs to be rung."""
    work.subject = "service"
    flag = await work.session.get(ServiceFlag, PAUSED)
    if flag is not None:
        await work.session.delete(flag)
        await work.session.flush()
    return await sending_state(work)


async def sending_state(work: Work) -> Sending:
    flag = await work.session.get(ServiceFlag, PAUSED)
    waiting = await work.session.scalar(select(func.count()).select_from(Delivery).where(OPEN))
    return Sending(paused=flag is not None, since=flag.set_at if flag else None, waiting=waiting or 0)
