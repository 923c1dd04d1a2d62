"""What went out about an event, in figures, and what a message would look like: for those who organize it."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import func, select

from core.db.models import Delivery, Notification, User
from core.delivery.addresses import DISCORD_DM, MAIL, SLACK_DM
from core.events.access import managed_event
from core.notifications.audience import TO_ALL, audience
from core.notifications.kinds import TO_FOLLOWERS
from core.notifications.model import NewMessage
from core.notifications.rows import REPORTED, About
from core.rendering.notices import Notice, notice_for
from core.work import Work

_CHAT = frozenset({"Discord", "Slack"})

Form = Literal["mail", "direct", "chat", "plain"]


@dataclass(slots=True)
class Counts:
    delivered: int = 0
    failed: int = 0
    waiting: int = 0
    skipped: int = 0

    @property
    def settled(self) -> int:
        return self.delivered + self.failed + self.skipped

    @property
    def all(self) -> int:
        return self.settled + self.waiting


class Sent(BaseModel):
    id: int
    kind: str
    title: str
    created_at: dt.datetime
    not_before: dt.datetime
    counts: Counts


class Sendings(BaseModel):
    total: Counts
    """Over everything that went to followers and that organizers see, welcomes too."""
    latest: list[Sent]
    """What went to everybody, newest first."""


@dataclass(frozen=True, slots=True)
class Preview:
    """How a message reads on one kind of channel, and how many get it there."""

    kind: str
    number: int
    form: Form
    notice: Notice


async def sendings(work: Work, public_id: str, limit: int = 8) -> Sendings:
    event = await managed_event(work, public_id)
    rows = await work.session.scalars(
        select(Notification)
        .where(Notification.event_id == event.id, Notification.kind.in_(TO_ALL), Notification.superseded_at.is_(None))
        .order_by(Notification.id.desc())
        .limit(limit)
    )
    latest = rows.all()
    per: dict[int, Counts] = {row.id: Counts() for row in latest}
    total = Counts()
    counted = await work.session.execute(
        select(Delivery.notification_id, Delivery.status, func.count())
        .join(Notification, Notification.id == Delivery.notification_id)
        .where(Notification.event_id == event.id, Notification.kind.in_(TO_FOLLOWERS))
        .group_by(Delivery.notification_id, Delivery.status)
    )
    for notification_id, status, number in counted:
        for counts in (total, per.get(notification_id)):
            if counts is not None:
                setattr(counts, REPORTED[status], getattr(counts, REPORTED[status]) + number)
    return Sendings(
        total=total,
        latest=[
            Sent(
                id=row.id,
                kind=row.kind,
                title=row.title,
                created_at=row.created_at,
                not_before=row.not_before,
                counts=per[row.id],
            )
            for row in latest
        ],
    )


async def previews(work: Work, public_id: str, message: NewMessage) -> list[Preview]:
    """By the kinds of channel of those who get it, most first. Stores nothing."""
    event = await managed_event(work, public_id)
    organizer = await work.session.scalar(select(User.display_name).where(User.id == event.owner_user_id))
    data = {"audience": "everyone" if message.to_everyone else "chosen"}
    unsaved = Notification(kind="message", title=message.title, body=message.body, data=data)
    about = About(unsaved, event, organizer or "")
    notice = notice_for(about, event.timezone, work.now, work.settings.public_base_url, subscribed=True)
    kinds = await audience(work, public_id, message)
    return [Preview(kind, number, _form(kind), notice) for kind, number in kinds.items()]


def _form(kind: str) -> Form:
    if kind == MAIL:
        return "mail"
    if kind in (DISCORD_DM, SLACK_DM):
        return "direct"
    return "chat" if kind in _CHAT else "plain"
