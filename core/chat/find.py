"""Which events somebody is offered in chat: what they organize or follow, and what was announced where they are. A
public event is for whoever has its link, so chat lists no others."""

from typing import Literal

from sqlalchemy import ColumnElement, exists, func, literal, or_, select

from core.db.models import Event, EventAnnouncement, Subscription
from core.events.access import may_manage, may_see
from core.events.model import EventView, event_view
from core.notifications.owe import ACTIVE
from core.work import Actor, Work

Which = Literal["upcoming", "mine", "here", "following"]


async def find_events(
    work: Work, which: Which, *, text: str = "", offset: int = 0, limit: int = 25
) -> tuple[list[EventView], int]:
    """The soonest first, from `offset`, and how many there are in all. `text` is part of a name, or an id."""
    work.actor.require_user()
    active = select(func.count()).where(Subscription.event_id == Event.id, ACTIVE).scalar_subquery()
    conditions = [may_see(work.actor), Event.status == "scheduled", _ahead(work), _chosen(work.actor, which)]
    if text:
        conditions.append(or_(Event.name.icontains(text, autoescape=True), Event.public_id == text))
    total = await work.session.scalar(select(func.count()).select_from(Event).where(*conditions)) or 0
    rows = await work.session.execute(
        select(Event, active, may_manage(work.actor))
        .where(*conditions)
        .order_by(Event.start_date, Event.id)
        .offset(offset)
        .limit(limit)
    )
    return [event_view(work, event, count, mine=bool(mine)) for event, count, mine in rows.all()], total


def _ahead(work: Work) -> ColumnElement[bool]:
    """Not over; one without an end may be shown for an hour after its start, and is by its own rule."""
    return or_(Event.end_date > work.now, Event.start_date > work.now)


def _chosen(actor: Actor, which: Which) -> ColumnElement[bool]:
    mine, following = may_manage(actor), _follows(actor)
    if which == "mine":
        return mine
    if which == "following":
        return following
    if which == "here":
        return _announced(actor, in_this_channel=True)
    return or_(mine, following, _announced(actor, in_this_channel=False))


def _follows(actor: Actor) -> ColumnElement[bool]:
    return exists().where(
        Subscription.event_id == Event.id,
        Subscription.user_id == actor.user_id,
        Subscription.state.in_(("active", "paused")),
    )


def _announced(actor: Actor, *, in_this_channel: bool) -> ColumnElement[bool]:
    """In this server or workspace. A private one is seen by who is let in, whatever was announced."""
    place = actor.signed.place if actor.signed is not None else None
    if actor.signed is None or place is None or not place.tenant_id:
        return literal(False)
    where = [] if not in_this_channel else [EventAnnouncement.channel_id == (place.space_id or "")]
    return exists().where(
        *where,
        EventAnnouncement.event_id == Event.id,
        EventAnnouncement.platform == actor.signed.platform,
        EventAnnouncement.tenant_id == place.tenant_id,
        EventAnnouncement.gone_at.is_(None),
    )
