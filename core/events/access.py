"""Who may see and who may manage an event: one predicate each, used by every read."""

from sqlalchemy import ColumnElement, false, or_, select

from core.db.models import Event, Subscription
from core.errors import Code, SoonishError, not_found
from core.work import Actor, Work


def may_see(actor: Actor) -> ColumnElement[bool]:
    """Public events by anybody with the link; private ones by their owner and by those who follow them."""
    if actor.user_id is None:
        return Event.is_public.is_(True)
    follows = (
        select(Subscription.id)
        .where(
            Subscription.event_id == Event.id,
            Subscription.user_id == actor.user_id,
            Subscription.state.in_(("active", "paused")),
        )
        .correlate(Event)  # also inside a query that reads subscriptions itself
        .exists()
    )
    return or_(Event.is_public, may_manage(actor), follows)


def may_manage(actor: Actor) -> ColumnElement[bool]:
    return Event.owner_user_id == actor.user_id if actor.user_id is not None else false()


async def visible_event(work: Work, public_id: str, *, to_change: bool = False) -> Event:
    """The event, if this actor may see it; otherwise it does not exist.

    `to_change`: who edits it at the same time is waited for (PostgreSQL; SQLite has one writer at a time anyway).
    """
    query = select(Event).where(Event.public_id == public_id, may_see(work.actor))
    if to_change:
        query = query.with_for_update(key_share=True)
    event = await work.session.scalar(query)
    if event is None:
        raise not_found("event")
    work.subject = f"event:{event.id}"
    return event


async def managed_event(work: Work, public_id: str, *, to_change: bool = False) -> Event:
    """The event, if this actor may manage it. Strangers who may see it are refused, others told it does not exist."""
    work.actor.require_user()
    event = await visible_event(work, public_id, to_change=to_change)
    if event.owner_user_id != work.actor.user_id:
        raise SoonishError(Code.FORBIDDEN, "Only the organizer may do this.")
    return event
