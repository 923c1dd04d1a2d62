"""Reading the ledger's rows: what is due, what it is about, what the counts are."""

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, case, exists, func, or_, select, text
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
from core.notifications.model import ReportedOutcome

PAUSED = "sending_paused"
# Written out, because SQLite matches a partial index only by the literal text of its condition.
OPEN = text("deliveries.status IN ('queued', 'sending')")
REPORTED: dict[str, ReportedOutcome] = {
    "queued": "waiting", "sending": "waiting", "pending": "waiting",
    "delivered": "delivered", "dead": "failed", "skipped": "skipped",
}  # fmt: skip


class Recipient(NamedTuple):
    """A claimed row, with what is needed to write to it. A tuple: ten thousand are made of what a query answers."""

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


class Standing(NamedTuple):
    """What decides whether a recipient still wants it and can be reached. Most rows of a message stand alike."""

    subscription: str | None
    has_subscription: bool
    active: bool | None
    removed: bool
    suppressed: bool
    off_because: str | None
    may_see: bool | None


@dataclass(frozen=True, slots=True)
class About:
    """The message and its event, as they are at the time of the claim."""

    notification: Notification
    event: Event | None
    organizer: str
    paused: bool = False
    """Whether the operator has stopped all sending."""


async def about_of(session: AsyncSession, notification_id: int) -> About | None:
    row = (await session.execute(_about(), {"notification": notification_id})).one_or_none()
    return About(row[0], row[1], row[2] or "", bool(row[3])) if row else None


# Statements that every delivery asks are built once: building one takes longer than SQLite takes to answer it.


@functools.cache
def _about() -> Select[*tuple[Any, ...]]:
    return (
        select(Notification, Event, User.display_name, exists().where(ServiceFlag.name == PAUSED))
        .outerjoin(Event, Event.id == Notification.event_id)
        .outerjoin(User, User.id == Event.owner_user_id)
        .where(Notification.id == bindparam("notification"))
        # An edit that amends a waiting message and the claim that sends it must not cross.
        .with_for_update(read=True, of=Notification)
    )


@functools.cache
def due_rows() -> Select[*tuple[Any, ...]]:
    """Rows that may be claimed now: what a `Recipient` is made of, then its `Standing`.

    Parameters: `notification`, `now`, `at_most`, and `in_hand`, rows that the claimer still carries although their
    lease is over.
    """
    suppressed = exists().where(SuppressedAddress.destination == Delivery.destination)
    # Who has not said yes yet came by an invitation; confirming asks whether that is still good.
    admitted = or_(
        follower_may_see(), and_(Subscription.state == "unconfirmed", Subscription.invitation_id.is_not(None))
    )
    now = bindparam("now", type_=Delivery.lease_until.type)
    due = or_(
        and_(Delivery.status == "queued", Delivery.next_attempt_at <= now),
        and_(
            Delivery.status == "sending",
            Delivery.lease_until <= now,
            Delivery.id.not_in(bindparam("in_hand", expanding=True)),
        ),
    )
    return (
        select(
            Delivery.id,
            Delivery.created_at,
            Delivery.attempts,
            Delivery.integration_id,
            Delivery.subscription_id,
            Subscription.state,
            func.coalesce(Subscription.requested_at, Integration.confirm_requested_at),
            Integration.apprise_url,
            User.timezone,
            Integration.failures,
            Delivery.trail,
            Integration.user_id.is_not(None),
            Subscription.state,
            Delivery.subscription_id.is_not(None),
            Integration.is_active,
            or_(Delivery.integration_id.is_(None), Integration.removed_at.is_not(None)),
            suppressed,
            Integration.disabled_reason,
            admitted,
        )
        .outerjoin(Integration, Integration.id == Delivery.integration_id)
        .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
        .outerjoin(Event, Event.id == Subscription.event_id)
        .outerjoin(User, User.id == Integration.user_id)
        .where(Delivery.notification_id == bindparam("notification"), OPEN, due)
        .order_by(Delivery.next_attempt_at, Delivery.id)
        .limit(bindparam("at_most", type_=Delivery.id.type))
        .with_for_update(skip_locked=True, of=Delivery)
    )


def recipient_of(row: Sequence[Any]) -> Recipient:
    return Recipient._make(row[: len(Recipient._fields)])


def standing_of(row: Sequence[Any]) -> Standing:
    return Standing._make(row[len(Recipient._fields) :])


def judge(kind: str, standing: Standing) -> Verdict:
    return wanted(
        KINDS[kind],
        subscription=standing.subscription,
        has_subscription=standing.has_subscription,
        active=bool(standing.active),
        removed=standing.removed,
        suppressed=standing.suppressed,
        off_because=standing.off_because,
        may_see=bool(standing.may_see),
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
    rows = await connection.execute(_counts(), {"notification": notification_id})
    counts = {"delivered": 0, "failed": 0, "waiting": 0, "skipped": 0}
    for status, number in rows:
        counts[REPORTED[status]] += number
    return counts


@functools.cache
def _counts() -> Select[*tuple[Any, ...]]:
    return (
        select(Delivery.status, func.count())
        .where(Delivery.notification_id == bindparam("notification"))
        .group_by(Delivery.status)
    )
