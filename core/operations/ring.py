"""Waking everything that should be awake: after Temporal has forgotten some or all of it."""

import datetime as dt

from sqlalchemy import func, insert, literal, null, or_, select
from sqlalchemy.sql.dml import Insert

from core.contracts import EVENT_UPDATED, NOTIFICATION_OWED, SESSION_STARTED, VERIFICATION_REQUESTED
from core.db.models import Delivery, Event, Notification, OutboxRow, Session, User
from core.notifications.rows import OPEN
from core.trail import current
from core.work import Work

_COLUMNS = ("created_at", "event_id", "notification_id", "user_id", "signal", "subject_id", "trail")


async def ring_all(work: Work) -> int:
    """Ring for every event that is not over, every account mail that is owed, every account that waits for its address
    and every session. Ringing what is awake changes nothing. How many."""
    work.subject = "service"
    rung = 0
    for statement in _bells(work):
        rung += int((await work.session.execute(statement)).rowcount)  # type: ignore[attr-defined]
    work.detail = {"rung": rung}
    return rung


def _bells(work: Work) -> list[Insert]:
    """One INSERT … SELECT for each kind of workflow."""
    now = literal(work.now, type_=OutboxRow.created_at.type)
    trail = literal(current())
    grace = work.now - dt.timedelta(days=work.settings.grace_days + 1)
    alive = or_(Event.start_date > grace, func.coalesce(Event.end_date, Event.start_date) > grace)
    owed = select(Delivery.notification_id).where(OPEN)
    choices = [
        select(now, Event.id, null(), null(), literal(EVENT_UPDATED), Event.id, trail).where(alive),
        select(now, null(), Notification.id, null(), literal(NOTIFICATION_OWED), Notification.id, trail).where(
            Notification.event_id.is_(None), Notification.id.in_(owed)
        ),
        select(now, null(), null(), User.id, literal(VERIFICATION_REQUESTED), User.id, trail).where(
            User.is_verified.is_(False), User.erased_at.is_(None), User.merged_into.is_(None)
        ),
        select(now, null(), null(), Session.user_id, literal(SESSION_STARTED), Session.id, trail).where(
            Session.expires_at > work.now
        ),
    ]
    return [insert(OutboxRow).from_select(list(_COLUMNS), choice) for choice in choices]
