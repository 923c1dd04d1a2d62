"""Reading the ledger's rows: what is due, what it is about, what the counts are."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, and_, case, exists, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from core.db.models import (
    Delivery,
    Event,
    Integration,
    Notification,
    ServiceFlag,
    Subscription,
    SuppressedAddress,
    User,
)
from core.events.access import follower_may_see
from core.notifications.kinds import KINDS, Verdict, wanted

PAUSED = "sending_paused"
# Written out, because SQLite matches a partial index only by the literal text of its condition.
OPEN = text("deliveries.status IN ('queued', 'sending')")
REPORTED = {
    "queued": "waiting", "sending": "waiting", "pending": "waiting",
    "delivered": "delivered", "dead": "failed", "skipped": "skipped",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipient:
    """A claimed row, with what is needed to write to it."""

    delivery_id: int
    created_at: dt.datetime
    attempts: int
    """Earlier attempts that used one up."""
    integration_id: int
    subscription_id: int | None
    subscription_state: str | None
    requested_at: dt.datetime | None
    """Which request a confirm link answers."""
    sealed_url: bytes
    zone: str | None
    failures: int
    trail: str | None = None
    """What asked for this row, where that is not what asked for the notification."""
    account: bool = True
    """Whether somebody with an account reads it: others cannot open the page of a private event."""


@dataclass(frozen=True, slots=True)
class About:
    """The message and its event, as they are at the time of the claim."""

    notification: Notification
    event: Event | None
    organizer: str


async def about_of(session: AsyncSession, notification_id: int) -> About | None:
    row = (
        await session.execute(
            select(Notification, Event, User.display_name)
            .outerjoin(Event, Event.id == Notification.event_id)
            .outerjoin(User, User.id == Event.owner_user_id)
            .where(Notification.id == notification_id)
            # An edit that amends a waiting message and the claim that sends it must not cross.
            .with_for_update(read=True, of=Notification)
        )
    ).one_or_none()
    return About(row[0], row[1], row[2] or "") if row else None


def due_rows(
    notification_id: int, limit: int, now: dt.datetime, in_hand: Collection[int] = ()
) -> Select[*tuple[Any, ...]]:
    """Rows that may be claimed now, with all that the verdict and the send need. `in_hand`: rows that the claimer
    still carries, although their lease may be over."""
    suppressed = exists().where(SuppressedAddress.destination == Delivery.destination)
    # Who has not said yes yet came by an invitation; confirming asks whether that is still good.
    admitted = or_(
        follower_may_see(), and_(Subscription.state == "unconfirmed", Subscription.invitation_id.is_not(None))
    )
    due = or_(
        and_(Delivery.status == "queued", Delivery.next_attempt_at <= now),
        and_(Delivery.status == "sending", Delivery.lease_until <= now, Delivery.id.not_in(in_hand)),
    )
    return (
        select(
            Delivery.id,
            Delivery.created_at,
            Delivery.attempts,
            Delivery.integration_id,
            Delivery.subscription_id,
            Delivery.trail,
            Subscription.state,
            Subscription.requested_at,
            Integration.apprise_url,
            Integration.is_active,
            Integration.disabled_reason,
            Integration.removed_at,
            Integration.failures,
            Integration.confirm_requested_at,
            Integration.user_id,
            User.timezone,
            suppressed.label("suppressed"),
            admitted.label("may_see"),
        )
        .outerjoin(Integration, Integration.id == Delivery.integration_id)
        .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
        .outerjoin(Event, Event.id == Subscription.event_id)
        .outerjoin(User, User.id == Integration.user_id)
        .where(Delivery.notification_id == notification_id, OPEN, due)
        .order_by(Delivery.next_attempt_at, Delivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Delivery)
    )


def judge_row(kind: str, row: Row[*tuple[Any, ...]]) -> Verdict:
    """Whether this recipient still wants it and can be reached."""
    return wanted(
        KINDS[kind],
        subscription=row.state,
        has_subscription=row.subscription_id is not None,
        active=bool(row.is_active),
        removed=row.integration_id is None or row.removed_at is not None,
        suppressed=bool(row.suppressed),
        off_because=row.disabled_reason,
        may_see=bool(row.may_see),
    )


def recipient_of(row: Row[*tuple[Any, ...]]) -> Recipient:
    return Recipient(
        delivery_id=row.id,
        created_at=row.created_at,
        attempts=row.attempts,
        integration_id=row.integration_id,
        subscription_id=row.subscription_id,
        subscription_state=row.state,
        requested_at=row.requested_at or row.confirm_requested_at,
        sealed_url=row.apprise_url,
        zone=row.timezone,
        failures=row.failures,
        trail=row.trail,
        account=row.user_id is not None,
    )


async def sending_paused(connection: AsyncConnection | AsyncSession) -> bool:
    return await connection.scalar(select(ServiceFlag.value).where(ServiceFlag.name == PAUSED)) is not None


def next_due(notification: int | InstrumentedAttribute[int]) -> Select[dt.datetime | None]:
    """When the earliest open row of a notification can be claimed."""
    at = case((Delivery.status == "sending", Delivery.lease_until), else_=Delivery.next_attempt_at)
    return select(func.min(at, type_=Delivery.next_attempt_at.type)).where(
        OPEN, Delivery.notification_id == notification
    )


async def counts_of(connection: AsyncConnection | AsyncSession, notification_id: int) -> dict[str, int]:
    """delivered, failed, waiting, skipped: what reports say."""
    rows = await connection.execute(
        select(Delivery.status, func.count())
        .where(Delivery.notification_id == notification_id)
        .group_by(Delivery.status)
    )
    counts = {"delivered": 0, "failed": 0, "waiting": 0, "skipped": 0}
    for status, number in rows:
        counts[REPORTED[status]] += number
    return counts
