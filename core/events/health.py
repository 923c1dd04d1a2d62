"""How an event's workflow is doing: the rows' view always, Temporal's own when it answers."""

import datetime as dt
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import func, select

from core.db.models import Delivery, Event, Notification
from core.events.access import managed_event
from core.events.reminders import dedupe_key, reminders
from core.notifications.kinds import TO_FOLLOWERS
from core.notifications.owe import followers
from core.temporal import Temporal, TemporalAwayError
from core.times import effective_end
from core.work import Actor, Core, Work

ReminderState = Literal["scheduled", "sent", "missed", "not_promised", "withdrawn"]


class ReminderStatus(BaseModel):
    kind: str
    at: dt.datetime
    state: ReminderState
    """not_promised: it was too late for it when the start was set. withdrawn: the event is cancelled."""


class Undelivered(BaseModel):
    """The latest message that did not reach everybody and is still news."""

    id: int
    title: str
    failed: int
    """To how many channels it did not get."""
    reason: str | None
    """Of the last of them."""


class WorkflowStatus(BaseModel):
    state: Literal["running", "not_running", "finished", "unknown"]
    """unknown: Temporal does not answer. finished: the event is over and its workflow has ended."""
    subscribers: int
    reminders: list[ReminderStatus]
    undelivered: Undelivered | None
    temporal: Literal["ok", "unreachable"]


async def workflow_status(core: Core, temporal: Temporal, actor: Actor, public_id: str) -> WorkflowStatus:
    """For the organizer. Always answers; `temporal` says whether the workflow itself was asked."""
    found = await core.ask(actor, status_by_rows, public_id)
    try:
        status = await temporal.event_status(public_id)
    except TemporalAwayError:
        return found.model_copy(update={"state": "unknown", "temporal": "unreachable"})
    if status is None:
        return found
    return found.model_copy(update={"state": "running"})


async def status_by_rows(work: Work, public_id: str) -> WorkflowStatus:
    """Without a word from Temporal: whether the workflow runs is not known from here."""
    event = await managed_event(work, public_id)
    states = [
        ReminderStatus(kind=r.kind, at=r.at, state=await _state(work, event, r.kind, r.due))
        for r in reminders(event.start_date, event.start_set_at, work.now)
    ]
    return WorkflowStatus(
        state="finished" if event.status == "ended" else "not_running",
        subscribers=await followers(work, event.id),
        reminders=states,
        undelivered=await _undelivered(work, event),
        temporal="ok",
    )


async def _undelivered(work: Work, event: Event) -> Undelivered | None:
    """Of an event that is cancelled only that word is still news, of one that is over nothing."""
    if event.status == "ended" or effective_end(event.start_date, event.end_date) <= work.now:
        return None
    kinds = {"cancelled"} if event.status == "cancelled" else TO_FOLLOWERS
    row = (
        await work.session.execute(
            select(Notification.id, Notification.title, func.count(), func.max(Delivery.id))
            .join(Delivery, Delivery.notification_id == Notification.id)
            .where(
                Notification.event_id == event.id,
                Notification.kind.in_(kinds),
                Notification.superseded_at.is_(None),
                Delivery.status == "dead",
            )
            .group_by(Notification.id, Notification.title)
            .order_by(Notification.id.desc())
            .limit(1)
        )
    ).one_or_none()
    if row is None:
        return None
    number, title, failed, last = row
    reason = await work.session.scalar(select(Delivery.reason).where(Delivery.id == last))
    return Undelivered(id=number, title=title, failed=failed, reason=reason)


async def _state(work: Work, event: Event, kind: str, due: str) -> ReminderState:
    key = dedupe_key(event.id, kind, event.start_date)
    if await work.session.scalar(select(func.count()).where(Notification.dedupe_key == key)):
        return "sent"
    if event.status == "cancelled":
        return "withdrawn"
    return _STATES[due]


_STATES: dict[str, ReminderState] = {"ahead": "scheduled", "missed": "missed", "never": "not_promised"}
