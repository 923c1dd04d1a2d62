"""Which events somebody is offered in chat: what they organize, follow or are let in to, and what was announced where
they are. A public event is for whoever has its link, so chat lists no others."""

import datetime as dt
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, not_, null, or_, select

from core.cards.content import over_by
from core.db.models import Event, EventAnnouncement, Subscription
from core.events.access import may_manage, may_see
from core.events.model import EventView, event_view
from core.invitations.chat import invited_here
from core.notifications.owe import ACTIVE
from core.times import DEFAULT_LENGTH
from core.work import Actor, Work

Which = Literal["upcoming", "mine", "told", "here", "following"]
"""`told`: what they organize and may have to speak of, called off or over too."""
_LATELY = dt.timedelta(days=30)


async def find_events(
    work: Work, which: Which, *, text: str = "", offset: int = 0, limit: int = 25
) -> tuple[list[EventView], int]:
    """The soonest first, from `offset`, then what is over, the latest first; and how many there are in all. `text` is
    part of a name, or an id. Who has no account yet is offered what was announced where they are, and what they are
    invited to."""
    if work.actor.signed is None:
        work.actor.require_user()
    active = select(func.count()).where(Subscription.event_id == Event.id, ACTIVE).scalar_subquery()
    invited = invited_here(work)
    conditions = [or_(may_see(work.actor), invited), *_in_time(work, which), _chosen(work.actor, which, invited)]
    if text:
        conditions.append(or_(Event.name.icontains(text, autoescape=True), Event.public_id == text))
    total = await work.session.scalar(select(func.count()).select_from(Event).where(*conditions)) or 0
    rows = await work.session.execute(
        select(Event, active, may_manage(work.actor))
        .where(*conditions)
        .order_by(*_order(work, which), Event.id)
        .offset(offset)
        .limit(limit)
    )
    return [event_view(work, event, count, mine=bool(mine)) for event, count, mine in rows.all()], total


def _in_time(work: Work, which: Which) -> tuple[ColumnElement[bool], ...]:
    if which == "told":
        return (not_(over_by(work.now - _LATELY, DEFAULT_LENGTH)),)
    return Event.status == "scheduled", not_(over_by(work.now, DEFAULT_LENGTH))


def _order(work: Work, which: Which) -> tuple[ColumnElement[Any], ...]:
    if which != "told":
        return (Event.start_date.asc(),)
    over = over_by(work.now, DEFAULT_LENGTH)
    return case((over, 1), else_=0), case((over, null()), else_=Event.start_date), Event.start_date.desc()


def _chosen(actor: Actor, which: Which, invited: ColumnElement[bool]) -> ColumnElement[bool]:
    mine, following = may_manage(actor), _follows(actor)
    if which in ("mine", "told"):
        return mine
    if which == "following":
        return following
    if which == "here":
        return _announced(actor, in_this_channel=True)
    let_in = and_(Event.is_public.is_(False), may_see(actor))
    return or_(mine, following, invited, let_in, _announced(actor, in_this_channel=False))


def _follows(actor: Actor) -> ColumnElement[bool]:
    if actor.user_id is None:
        return false()
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
