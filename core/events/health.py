"""How an event's workflow is doing: the rows' view always, Temporal's own when it answers."""

import datetime as dt
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import func, select

from core.db.models import Delivery, Event, Notification
from core.events.access import managed_event
from core.events.reminders import dedupe_key, reminders
from core.notifications.kinds import REPORTED_KINDS
from core.notifications.owe import followers
from core.temporal import Temporal, TemporalAwayError
from core.work import Actor, Core, Work

ReminderState = Literal["scheduled", "sent", "missed", "not_promised", "withdrawn"]


class ReminderStatus(BaseModel):
    kind: str
    at: dt.datetime
    state: ReminderState
    """not_promised: it was too late for it when the start was set. withdrawn: the event is cancelled."""


class WorkflowStatus(BaseModel):
    state: Literal["running", "not_running", "finished", "unknown"]
    """unknown: Temporal does not answer. finished: the event is over and its workflow has ended."""
    subscribers: int
    reminders: list[ReminderStatus]
    last_error: str | None
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
    return found.model_copy(update={"state": "running", "last_error": status.last_error or found.last_error})


async def status_by_rows(work: Work, public_id: str) -> WorkflowStatus:
    """Without a word from Temporal: whether the workflow runs is not known from here."""
    event = await managed_event(work, public_id)
    states = [
        ReminderStatus(kind=r.kind, at=r.at, state=await _state(work, event, r.kind, r.due))
        for r in reminders(event.start_date, event.start_set_at, work.now)
    ]
    last_error = await work.session.scalar(
        select(Delivery.reason)
        .join(Notification, Notification.id == Delivery.notification_id)
        .where(Notification.event_id == event.id, Notification.kind.in_(REPORTED_KINDS), Delivery.status == "dead")
        .order_by(Delivery.id.desc())
        .limit(1)
    )
    return WorkflowStatus(
        state="finished" if event.status == "ended" else "not_running",
        subscribers=await followers(work, event.id),
        reminders=states,
        last_error=last_error,
        temporal="ok",
    )


async def _state(work: Work, event: Event, kind: str, due: str) -> ReminderState:
    key = dedupe_key(event.id, kind, event.start_date)
    if await work.session.scalar(select(func.count()).where(Notification.dedupe_key == key)):
        return "sent"
    if event.status == "cancelled":
        return "withdrawn"
    return _STATES[due]


_STATES: dict[str, ReminderState] = {"ahead": "scheduled", "missed": "missed", "never": "not_promised"}
