"""Reading subscriptions: one's own, and those of an event one organizes."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select

from core.db.models import Delivery, Event, Integration, Notification, Subscription
from core.events.access import managed_event, may_see, visible_event
from core.events.model import EventView
from core.integrations.model import view_of as channel_view
from core.notifications.kinds import REPORTED_KINDS
from core.notifications.model import ReportedOutcome
from core.notifications.rows import REPORTED
from core.pages import Page, PageRequest, cut, position
from core.subscriptions.model import Found, SubscriptionView, Ways
from core.work import Work

_WAYS = (
    select(Integration, Subscription)
    .join(
        Subscription,
        and_(
            Subscription.integration_id == Integration.id,
            Subscription.state == "active",
            Subscription.event_id
            == select(Event.id).where(Event.public_id == bindparam("event")).correlate(None).scalar_subquery(),
        ),
        isouter=True,
    )
    .where(Integration.user_id == bindparam("account"), Integration.removed_at.is_(None))
    .order_by(Integration.id.desc())
)


def view_of(row: Subscription, integration: Integration, event: Event | EventView, *, own: bool) -> SubscriptionView:
    return SubscriptionView(
        id=row.id,
        event_id=event.public_id if isinstance(event, Event) else event.id,
        event_name=event.name,
        label=integration.name if own else integration.label,
        kind=integration.kind,
        state=row.state,
        integration_id=integration.id if own else None,
        created_at=row.created_at,
    )


async def my_subscriptions(
    work: Work, page: PageRequest, *, through: int | None = None, to_come: bool = False
) -> Page[SubscriptionView]:
    """What the actor follows, newest first; ended ones are left out. `through`: by this channel alone; `to_come`: only
    events that are neither over nor cancelled."""
    user_id = work.actor.require_user()
    query = (
        select(Subscription, Integration, Event)
        .join(Integration, Integration.id == Subscription.integration_id)
        .join(Event, Event.id == Subscription.event_id)
        .where(Subscription.user_id == user_id, Subscription.state != "ended", may_see(work.actor))
    )
    if through is not None:
        query = query.where(Subscription.integration_id == through)
    if to_come:
        query = query.where(Event.status == "scheduled")
    return await _page(work, query, page, own=True)


async def subscriptions_to(work: Work, public_id: str) -> list[SubscriptionView]:
    """By which channels the actor follows one event, the oldest first; ended ones are left out."""
    event = await visible_event(work, public_id)
    rows = await work.session.execute(
        select(Subscription, Integration)
        .join(Integration, Integration.id == Subscription.integration_id)
        .where(
            Subscription.event_id == event.id,
            Subscription.user_id == work.actor.require_user(),
            Subscription.state != "ended",
        )
        .order_by(Subscription.id)
    )
    return [view_of(row, integration, event, own=True) for row, integration in rows.all()]


async def ways_to(work: Work, event: EventView) -> Ways:
    """By which of the actor's channels they hear about the event, and which channels they have. One read."""
    given = {"event": event.id, "account": work.actor.require_user()}
    rows: Sequence[tuple[Integration, Subscription | None]] = (await work.session.execute(_WAYS, given)).all()
    follows = sorted((row for _, row in rows if row is not None), key=lambda row: row.id)
    channels = {channel.id: channel for channel, _ in rows}
    return Ways(
        follows=[view_of(row, channels[row.integration_id], event, own=True) for row in follows],
        channels=[channel_view(channel) for channel in channels.values()],
    )


async def event_subscriptions(
    work: Work, public_id: str, page: PageRequest, *, removed: bool = False, matching: str = ""
) -> Page[SubscriptionView]:
    """Who follows an event, or was removed from it, for its organizer: names and kinds of channel, addresses masked.
    `matching`: only those whose name or kind of channel has this text in it, as organizers see them."""
    event = await managed_event(work, public_id)
    query = (
        select(Subscription, Integration, Event)
        .join(Integration, Integration.id == Subscription.integration_id)
        .join(Event, Event.id == Subscription.event_id)
        .where(Subscription.event_id == event.id, *listed(removed=removed, matching=matching))
    )
    return await _page(work, query, page, own=False)


async def count_subscriptions(work: Work, public_id: str, *, removed: bool = False, matching: str = "") -> Found:
    """How many `event_subscriptions` has on all of its pages."""
    event = await managed_event(work, public_id)
    found = await work.session.execute(
        select(func.count(), func.max(Subscription.id))
        .select_from(Subscription)
        .join(Integration, Integration.id == Subscription.integration_id)
        .where(Subscription.event_id == event.id, *listed(removed=removed, matching=matching))
    )
    number, newest = found.one()
    return Found(number=number, newest=newest or 0)


def listed(*, removed: bool, matching: str) -> list[ColumnElement[bool]]:
    """Of subscriptions and their channels."""
    shown = Subscription.ended_by == "removed" if removed else Subscription.state.in_(("active", "paused"))
    return [shown, found_by(matching)] if matching else [shown]


def found_by(text: str) -> ColumnElement[bool]:
    """Channels with this text in their name or their kind, as organizers see them."""
    return or_(Integration.label.icontains(text, autoescape=True), Integration.kind.icontains(text, autoescape=True))


async def chosen_subscriptions(work: Work, public_id: str, chosen: Sequence[int]) -> list[SubscriptionView]:
    """Those of the chosen that are of this event, for its organizer."""
    event = await managed_event(work, public_id)
    rows = await work.session.execute(
        select(Subscription, Integration)
        .join(Integration, Integration.id == Subscription.integration_id)
        .where(Subscription.event_id == event.id, Subscription.id.in_(chosen))
        .order_by(Subscription.id.desc())
    )
    return [view_of(row, integration, event, own=False) for row, integration in rows.all()]


async def last_outcomes(work: Work, public_id: str, chosen: Sequence[int]) -> dict[int, ReportedOutcome]:
    """What became of the last thing that was sent to each of these subscriptions; for the event's organizer."""
    event = await managed_event(work, public_id)
    last = (
        select(func.max(Delivery.id))
        .join(Notification, Notification.id == Delivery.notification_id)
        .where(
            Delivery.subscription_id.in_(chosen),
            Notification.event_id == event.id,
            Notification.kind.in_(REPORTED_KINDS),
        )
        .group_by(Delivery.subscription_id)
    )
    rows = await work.session.execute(select(Delivery.subscription_id, Delivery.status).where(Delivery.id.in_(last)))
    return {subscription: REPORTED[status] for subscription, status in rows if subscription is not None}


async def _page(
    work: Work, query: Select[Subscription, Integration, Event], page: PageRequest, *, own: bool
) -> Page[SubscriptionView]:
    if page.cursor:
        query = query.where(Subscription.id < position(page.cursor))
    rows = (await work.session.execute(query.order_by(Subscription.id.desc()).limit(page.limit + 1))).all()
    return cut([(row.id, view_of(row, integration, event, own=own)) for row, integration, event in rows], page)
