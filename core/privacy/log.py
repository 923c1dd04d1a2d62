"""What was sent to somebody, and why or why not: for the person themselves, newest first."""

import datetime as dt
from typing import Any

from sqlalchemy import Row, Select, and_, case, exists, or_, select, union_all

from core.db.models import Delivery, Event, Integration, Notification, ServiceFlag, Subscription
from core.delivery.addresses import MAIL
from core.events.access import follower_may_see
from core.notifications.rows import PAUSED
from core.pages import Page, PageRequest, cut, position
from core.privacy.log_words import LogEntry, Seen, told, what_it_was, why_them
from core.privacy.whose import account_data, address_here
from core.work import Work

_CHANNELS_AT_MOST = 200
"""Channels of one account, removed ones included; the newest count."""


async def my_log(work: Work, page: PageRequest) -> Page[LogEntry]:
    """What was sent to the actor, on any channel of theirs, and to their address before it had an account."""
    return await _page(work, (await account_data(work)).channel_ids[-_CHANNELS_AT_MOST:], page)


async def address_log(work: Work, token: str, page: PageRequest) -> Page[LogEntry]:
    """What was sent to an address without an account, by the link that was mailed to it."""
    return await _page(work, [(await address_here(work, token)).id], page)


async def _page(work: Work, channels: list[int], page: PageRequest) -> Page[LogEntry]:
    if not channels:
        return Page(items=[])
    before = position(page.cursor) if page.cursor else None
    rows = (await work.session.execute(_rows(channels, before, page.limit + 1))).all()
    return cut([(row.id, _entry(row, work.now)) for row in rows], page)


def _rows(channels: list[int], before: int | None, limit: int) -> Select[*tuple[Any, ...]]:
    """A few rows of each channel, each read from the end of its index: whoever got a million messages waits no longer
    than whoever got ten."""
    made_it = and_(Notification.kind == "created", Event.owner_user_id == Integration.user_id)
    theirs = or_(made_it, and_(Subscription.id.is_not(None), follower_may_see()))
    newest = union_all(*(select(_newest(each, before, limit).subquery().c.id) for each in channels)).subquery()
    return (
        select(
            Delivery.id, Delivery.created_at, Delivery.status, Delivery.code, Delivery.reason, Delivery.attempts,
            Delivery.next_attempt_at, Delivery.sent_at, Integration.kind.label("channel"),
            # The name they gave it; an address without an account is masked.
            case((Integration.user_id.is_not(None), Integration.name), else_=Delivery.label).label("name"),
            Notification.kind, Notification.superseded_at, Subscription.state,
            # What never arrived may tell of an event that is no business of theirs any more.
            case((Delivery.status == "delivered", Notification.title)).label("title"),
            case((theirs, Event.public_id)).label("event_id"),
            case((theirs, Event.name)).label("event_name"),
            case((theirs, Event.timezone)).label("timezone"),
            Subscription.requested_at.label("followed_at"),
            exists().where(ServiceFlag.name == PAUSED).label("paused"),
        )
        .join(newest, newest.c.id == Delivery.id)
        .join(Notification, Notification.id == Delivery.notification_id)
        .join(Integration, Integration.id == Delivery.integration_id)
        .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
        .outerjoin(Event, Event.id == Notification.event_id)
        .order_by(Delivery.id.desc())
        .limit(limit)
    )  # fmt: skip


def _newest(channel: int, before: int | None, limit: int) -> Select[int]:
    query = select(Delivery.id).where(Delivery.integration_id == channel)
    if before is not None:
        query = query.where(Delivery.id < before)
    return query.order_by(Delivery.id.desc()).limit(limit)


def _entry(row: Row[*tuple[Any, ...]], now: dt.datetime) -> LogEntry:
    seen = Seen(
        status=row.status,
        code=row.code,
        reason=row.reason,
        attempts=row.attempts,
        due_at=row.next_attempt_at,
        subscription=row.state,
        superseded=row.superseded_at is not None,
        paused=row.paused,
        mail=row.channel == MAIL,
    )
    found = told(seen, now)
    return LogEntry(
        id=row.id,
        at=row.sent_at or row.created_at,
        what=what_it_was(row.kind),
        because=why_them(row.kind, row.state, row.created_at, row.followed_at, row.timezone),
        title=row.title,
        event_id=row.event_id,
        event_name=row.event_name,
        timezone=row.timezone,
        channel=row.channel if row.name == row.channel else f"{row.channel}: {row.name}",
        outcome=found.outcome,
        why=found.why,
        next_attempt_at=row.next_attempt_at if found.outcome == "waiting" and row.status == "queued" else None,
    )
