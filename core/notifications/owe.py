"""Writing what is owed: notifications and their delivery rows, always inside the transaction of the use case."""

import datetime as dt
import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    TextClause,
    bindparam,
    case,
    exists,
    func,
    literal,
    null,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from core.db.models import Delivery, Event, Integration, Notification, Subscription
from core.delivery.addresses import MAIL_TAG
from core.events.access import follower_may_see
from core.limits import DAY, demand, take
from core.notifications.kinds import KINDS
from core.trail import current
from core.work import Work

# Written out, because SQLite matches a partial index only by the literal text of its condition.
ACTIVE = text("subscriptions.state = 'active'")
Condition = ColumnElement[bool] | TextClause
_COLUMNS = (
    "created_at", "notification_id", "integration_id", "subscription_id", "destination", "label", "status",
    "attempts", "next_attempt_at", "trail",
)  # fmt: skip


def _one(insert: Callable[[type[Delivery]], Any]) -> Any:
    return insert(Delivery).values({name: bindparam(name) for name in _COLUMNS}).on_conflict_do_nothing()


_ONE_SQLITE, _ONE_POSTGRESQL = _one(sqlite.insert), _one(postgresql.insert)
_OPEN_BATCH = (
    select(Notification)
    .where(
        Notification.event_id == bindparam("event"),
        Notification.kind == bindparam("kind"),
        Notification.closed_at.is_(None),
        Notification.superseded_at.is_(None),
        ~exists().where(Delivery.notification_id == Notification.id, Delivery.destination == bindparam("destination")),
    )
    .order_by(Notification.id.desc())
    .limit(1)
    # Shared, so that joiners do not wait for each other; who closes it waits for all of them.
    .with_for_update(read=True)
)


async def new_notification(
    work: Work,
    kind: str,
    *,
    event: Event | None,
    title: str,
    body: str = "",
    data: dict[str, Any] | None = None,
    dedupe_key: str | None = None,
    not_before: dt.datetime | None = None,
) -> Notification:
    """One message, to nobody yet."""
    notification = Notification(
        event_id=event.id if event else None,
        kind=kind,
        title=title,
        body=body,
        data=data or {},
        dedupe_key=dedupe_key or f"{kind}:{event.id if event else 0}:{secrets.token_hex(8)}",
        requested_by=work.actor.user_id,
        not_before=not_before or work.now,
        created_at=work.now,
        trail=current() or None,
    )
    work.session.add(notification)
    await work.session.flush()
    return notification


async def owe_subscribers(work: Work, notification: Notification, event_id: int, only: Sequence[Condition] = ()) -> int:
    """A row for everybody who follows the event, one for each destination. How many. `only` narrows it, by what
    subscriptions and their channels are.

    They are counted first, against the organizer's daily limit: nothing is written for a message that is refused.
    One INSERT … SELECT: ten thousand rows cost one statement.
    """
    wanted: list[Condition] = [Subscription.event_id == event_id, ACTIVE, follower_may_see(), *only]
    await _charge_audience(work, notification, event_id, wanted)
    audience = (
        select(
            literal(work.now, type_=Delivery.created_at.type),
            literal(notification.id),
            Integration.id,
            Subscription.id,
            Integration.destination,
            Integration.label,
            literal("queued"),
            literal(0),
            literal(notification.not_before, type_=Delivery.created_at.type),
            null(),
        )
        .join(Integration, Integration.id == Subscription.integration_id)
        .join(Event, Event.id == Subscription.event_id)
        .where(*wanted)
        .order_by(Subscription.id)
    )
    return await _insert(work, audience)


async def has_unowed(work: Work, notification: Notification) -> bool:
    """Whether `owe_subscribers` would add a row by now."""
    owed = exists().where(Delivery.notification_id == notification.id, Delivery.destination == Integration.destination)
    query = (
        select(Subscription.id)
        .join(Integration, Integration.id == Subscription.integration_id)
        .where(Subscription.event_id == notification.event_id, ACTIVE, ~owed)
        .limit(1)
    )
    return await work.session.scalar(query) is not None


async def charge(work: Work, owner_user_id: int, kind: str, amount: int) -> None:
    """Count deliveries of this kind against what its organizer may send in a day. Raises LIMITED for kinds that stop
    there; people are told of a cancellation whatever was sent before."""
    limit = work.settings.organizer_daily_deliveries
    if KINDS[kind].daily_limit == "counts":
        await take(work, "deliveries", str(owner_user_id), limit, DAY, amount)
    else:
        await demand(work, "deliveries", str(owner_user_id), limit, DAY, amount)


async def _charge_audience(work: Work, notification: Notification, event_id: int, wanted: Sequence[Condition]) -> None:
    if KINDS[notification.kind].daily_limit == "free":
        return
    owed = exists().where(Delivery.notification_id == notification.id, Delivery.destination == Integration.destination)
    count = await work.session.scalar(
        select(func.count(Integration.destination.distinct()))
        .join(Subscription, Subscription.integration_id == Integration.id)
        .join(Event, Event.id == Subscription.event_id)
        .where(*wanted, ~owed)
    )
    event = await work.session.get_one(Event, event_id)
    await charge(work, event.owner_user_id, notification.kind, max(1, count or 0))


async def owe_channel(
    work: Work, notification: Notification, integration: Integration, subscription_id: int | None = None
) -> None:
    """A row for one channel."""
    trail = current() or None
    row = {
        "created_at": work.now,
        "notification_id": notification.id,
        "integration_id": integration.id,
        "subscription_id": subscription_id,
        "destination": integration.destination,
        "label": integration.label,
        "status": "queued",
        "attempts": 0,
        "next_attempt_at": notification.not_before,
        "trail": trail if trail != notification.trail else None,
    }
    await work.session.execute(_ONE_SQLITE if work.core.db.sqlite else _ONE_POSTGRESQL, row)


async def owe_batched(
    work: Work, kind: str, event: Event, title: str, integration: Integration, subscription_id: int
) -> Notification:
    """A row in the event's open notification of that kind: a thousand welcomes travel as one, and ring once."""
    given = {"event": event.id, "kind": kind, "destination": integration.destination}
    notification = await work.session.scalar(_OPEN_BATCH, given)
    if notification is None:
        notification = await new_notification(work, kind, event=event, title=title)
    await owe_channel(work, notification, integration, subscription_id)
    return notification


async def withdraw(work: Work, event_id: int, kinds: Collection[str], reason: str) -> None:
    """Messages that are no longer true: what has not left yet never does."""
    open_ones = select(Notification.id).where(
        Notification.event_id == event_id,
        Notification.kind.in_(kinds),
        Notification.superseded_at.is_(None),
        exists().where(Delivery.notification_id == Notification.id, Delivery.status.in_(("queued", "pending"))),
    )
    ids = list(await work.session.scalars(open_ones))
    if ids:
        await withdraw_notifications(work, ids, reason)


async def withdraw_notifications(work: Work, ids: Collection[int], reason: str) -> None:
    await work.session.execute(update(Notification).where(Notification.id.in_(ids)).values(superseded_at=work.now))
    await work.session.execute(
        update(Delivery)
        .where(Delivery.notification_id.in_(ids), Delivery.status.in_(("queued", "pending")))
        .values(status="skipped", code="superseded", reason=reason)
    )


async def owe_again(work: Work, dedupe_keys: Collection[str]) -> None:
    """Withdrawn messages that have become true again."""
    ids = list(
        await work.session.scalars(
            select(Notification.id).where(
                Notification.dedupe_key.in_(dedupe_keys), Notification.superseded_at.is_not(None)
            )
        )
    )
    if not ids:
        return
    await work.session.execute(
        update(Notification).where(Notification.id.in_(ids)).values(superseded_at=None, closed_at=None)
    )
    not_before = select(Notification.not_before).where(Notification.id == Delivery.notification_id).scalar_subquery()
    await work.session.execute(
        update(Delivery)
        .where(Delivery.notification_id.in_(ids), Delivery.status == "skipped", Delivery.code == "superseded")
        .values(
            status="queued",
            next_attempt_at=case((not_before > work.now, not_before), else_=work.now),
            code=None,
            reason=None,
        )
    )


async def default_channel(
    work: Work, user_id: int, *, not_to: str | None = None, to_join: bool = False
) -> Integration | None:
    """Where somebody is told what concerns them: their e-mail if it is on, their own address before one that had to be
    asked; else their oldest active channel.

    `not_to`: a destination that does not work. `to_join`: who removes it at the same time is waited for (PostgreSQL).
    """
    query = (
        select(Integration)
        .where(
            Integration.user_id == user_id,
            Integration.is_active,
            Integration.removed_at.is_(None),
            Integration.destination != (not_to or ""),
        )
        .order_by(case((Integration.tag != MAIL_TAG, 2), (Integration.confirm_requested_at.is_(None), 0), else_=1))
        .order_by(Integration.id)
        .limit(1)
    )
    if to_join:
        query = query.with_for_update(key_share=True)
    channel: Integration | None = await work.session.scalar(query)
    return channel


def people() -> ColumnElement[int]:
    """How many people are behind subscriptions: an account is one on all its channels, and so is an address without
    one. The index of the active ones answers it alone."""
    own = func.count(Subscription.user_id)
    return func.count() - own + func.count(Subscription.user_id.distinct())


async def followers(work: Work, event_id: int) -> int:
    """How many people follow the event."""
    query = select(people()).select_from(Subscription).where(Subscription.event_id == event_id, ACTIVE)
    return await work.session.scalar(query) or 0


async def _insert(work: Work, rows: Select[*tuple[Any, ...]]) -> int:
    insert = sqlite.insert if work.core.db.sqlite else postgresql.insert
    # "WHERE true" keeps SQLite from reading ON CONFLICT as a join condition of the SELECT.
    done = await work.session.execute(
        insert(Delivery).from_select(list(_COLUMNS), rows.where(literal(1) == 1)).on_conflict_do_nothing()
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
