"""Who gets a message of the organizer's: everybody who follows, or some of them."""

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from core.db.models import Delivery, Event, Integration, Notification, Subscription
from core.errors import not_found
from core.events.access import managed_event
from core.notifications.model import Missed, NewMessage
from core.notifications.owe import ACTIVE, people
from core.subscriptions.views import found_by
from core.work import Work

TO_ALL = ("message", "update", "cancelled", "reminder_1day", "reminder_1hour")
"""What everybody gets; a welcome is for one at a time."""
_NAMED = 5


async def who_missed(work: Work, public_id: str) -> Missed | None:
    """How many people still follow and got neither the last thing that went to everybody nor anything since."""
    event = await managed_event(work, public_id)
    everyone = or_(Notification.kind != "message", Notification.data["audience"].as_string() == "everyone")
    sent = (Notification.kind.in_(TO_ALL), Notification.superseded_at.is_(None), everyone)
    last = await work.session.scalar(select(func.max(Notification.id)).where(Notification.event_id == event.id, *sent))
    if last is None:
        return None
    missed = (Subscription.event_id == event.id, ACTIVE, _missed(event, last))
    number = await work.session.scalar(select(people()).select_from(Subscription).where(*missed))
    return Missed(message=last, number=number) if number else None


async def audience(work: Work, public_id: str, message: NewMessage | None = None) -> dict[str, int]:
    """How many subscriptions a message would reach, or one to everybody, by the kind of their channel, most first; for
    the event's organizers."""
    event = await managed_event(work, public_id)
    only = await narrowed(work, event, message) if message else []
    number = func.count().label("number")
    rows = await work.session.execute(
        select(Integration.kind, number)
        .join(Subscription, Subscription.integration_id == Integration.id)
        .where(Subscription.event_id == event.id, ACTIVE, *only)
        .group_by(Integration.kind)
        .order_by(number.desc(), Integration.kind)
    )
    return {row.kind: row.number for row in rows.all()}


async def how_many(work: Work, public_id: str, message: NewMessage) -> int:
    """The people among those who would get it."""
    event = await managed_event(work, public_id)
    number = await work.session.scalar(
        select(people())
        .select_from(Subscription)
        .join(Integration, Integration.id == Subscription.integration_id)
        .where(Subscription.event_id == event.id, ACTIVE, *await narrowed(work, event, message))
    )
    return number or 0


async def first_names(work: Work, public_id: str, message: NewMessage) -> list[str]:
    """A few of those who would get it, as organizers see them."""
    event = await managed_event(work, public_id)
    rows = await work.session.scalars(
        select(Integration.label)
        .join(Subscription, Subscription.integration_id == Integration.id)
        .where(Subscription.event_id == event.id, ACTIVE, *await narrowed(work, event, message))
        .order_by(Subscription.id.desc())
        .limit(_NAMED)
    )
    return list(rows)


async def narrowed(work: Work, event: Event, message: NewMessage) -> list[ColumnElement[bool]]:
    """What a query over subscriptions and their channels narrows to, to find who gets this message. What it names of
    another event is not there."""
    if message.subscription_ids is not None:
        await _refuse_foreign(work, event, set(message.subscription_ids))
        return [Subscription.id.in_(message.subscription_ids)]
    if message.matching is not None:
        return [found_by(message.matching)]
    if message.missed is not None:
        named = await work.session.get(Notification, message.missed)
        if named is None or named.event_id != event.id:
            raise not_found("message of this event")
        return [_missed(event, named.id)]
    return []


def _missed(event: Event, notification_id: int) -> ColumnElement[bool]:
    """It was given up for them, and nothing that was sent since arrived, or is on its way."""
    dead = select(Delivery.subscription_id).where(
        Delivery.notification_id == notification_id, Delivery.status == "dead", Delivery.subscription_id.is_not(None)
    )
    later = aliased(Delivery)
    since = (
        select(later.subscription_id)
        .join(Notification, Notification.id == later.notification_id)
        .where(
            Notification.event_id == event.id,
            Notification.id > notification_id,
            Notification.kind.in_(TO_ALL),
            later.subscription_id.is_not(None),
            later.status.not_in(("dead", "skipped")),
        )
    )
    return and_(Subscription.id.in_(dead), Subscription.id.not_in(since))


def _count() -> Select[int]:
    return select(func.count()).select_from(Subscription)


async def _refuse_foreign(work: Work, event: Event, chosen: set[int]) -> None:
    mine = await work.session.scalar(_count().where(Subscription.event_id == event.id, Subscription.id.in_(chosen)))
    if mine != len(chosen):
        raise not_found("subscription of this event")
