"""Who may see and who may manage an event: one predicate each, used by every read, every audience and every claim."""

from functools import cache
from typing import Literal

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, false, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from core.db.models import Event, EventGrant, EventOrganizer, Subscription
from core.errors import Code, SoonishError, not_found
from core.work import Actor, Work

_Account = int | InstrumentedAttribute[int | None] | BindParameter[int]
_Hold = Literal["change", "join"] | None
_organizer, _grant, _follows = aliased(EventOrganizer), aliased(EventGrant), aliased(Subscription)


def may_see(actor: Actor) -> ColumnElement[bool]:
    """Public events by anybody with the link; private ones by those who manage them and by those who were let in."""
    return Event.is_public.is_(True) if actor.user_id is None else _sees(actor.user_id, None)


def follower_may_see() -> ColumnElement[bool]:
    """As `may_see`, for the subscriber of each row of a query over events and subscriptions: the same rule decides
    who is written to."""
    return _sees(Subscription.user_id, Subscription.integration_id)


def may_manage(actor: Actor) -> ColumnElement[bool]:
    """Owner and co-organizers."""
    return _manages(actor.user_id) if actor.user_id is not None else false()


def sees_and_manages(nobody: bool) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """As `may_see` and `may_manage`, of whoever is bound as `account`: for statements that are made once. Two of each,
    because nobody in particular organizes nothing."""
    account: BindParameter[int] = bindparam("account")
    return (Event.is_public.is_(True), false()) if nobody else (_sees(account, None), _manages(account))


def follower_may_return() -> ColumnElement[bool]:
    """As `follower_may_see`, for those who have left: whether coming back is theirs to decide."""
    return _sees(Subscription.user_id, Subscription.integration_id, also_left=True)


def _sees(
    account: _Account, address: InstrumentedAttribute[int] | None, *, also_left: bool = False
) -> ColumnElement[bool]:
    whose = _grant.user_id == account
    if address is not None:
        whose = or_(whose, _grant.integration_id == address)
    let_in = select(_grant.id).where(_grant.event_id == Event.id, _grant.revoked_at.is_(None), whose)
    if not also_left:
        follows = select(_follows.id).where(
            _follows.event_id == _grant.event_id,
            or_(_follows.user_id == _grant.user_id, _follows.integration_id == _grant.integration_id),
            _follows.state.in_(("active", "paused")),
        )
        still = follows.correlate_except(_follows).exists()
        let_in = let_in.where(or_(_grant.while_following.is_(False), still))
    return or_(Event.is_public.is_(True), _manages(account), let_in.correlate_except(_grant).exists())


def _manages(account: _Account) -> ColumnElement[bool]:
    organizes = select(_organizer.id).where(_organizer.event_id == Event.id, _organizer.user_id == account)
    # Anonymous followers have no account: NULL must compare as false, or "may not see" would hold for nobody.
    return or_(Event.owner_user_id.is_not_distinct_from(account), organizes.correlate_except(_organizer).exists())


async def seen_event(
    work: Work, public_id: str, *, to_change: bool = False, to_join: bool = False
) -> tuple[Event, bool]:
    """The event, if this actor may see it, and whether they manage it; otherwise it does not exist.

    `to_change`: who edits it at the same time is waited for. `to_join`: so are edits, but not others who join
    (PostgreSQL; SQLite has one writer at a time anyway).
    """
    query = _seen(work.actor.user_id is None, "change" if to_change else "join" if to_join else None)
    given = {"event": public_id, "account": work.actor.user_id}
    found = (await work.session.execute(query, given)).one_or_none()
    if found is None:
        raise not_found("event")
    event, manages = found
    work.subject = f"event:{event.id}"
    return event, bool(manages)


@cache
def _seen(nobody: bool, hold: _Hold) -> Select[Event, bool]:
    """Made once: every use case of an event begins with it, and making it costs more than running it."""
    sees, manages = sees_and_manages(nobody)
    query = select(Event, manages).where(Event.public_id == bindparam("event"), sees)
    return query if hold is None else query.with_for_update(key_share=hold == "change", read=hold == "join", of=Event)


async def visible_event(work: Work, public_id: str, *, to_join: bool = False) -> Event:
    """The event, if this actor may see it."""
    return (await seen_event(work, public_id, to_join=to_join))[0]


async def hold_events(work: Work, which: Select[int]) -> None:
    """Nobody changes these events until this transaction ends: what is read of them after this stays true
    (PostgreSQL)."""
    if not work.core.db.sqlite:
        await work.session.execute(
            select(Event.id).where(Event.id.in_(which)).order_by(Event.id).with_for_update(read=True)
        )


async def managed_event(work: Work, public_id: str, *, to_change: bool = False) -> Event:
    """The event, if this actor may manage it. Strangers who may see it are refused, others told it does not exist."""
    work.actor.require_user()
    event, manages = await seen_event(work, public_id, to_change=to_change)
    if not manages:
        raise SoonishError(Code.FORBIDDEN, "Only the organizer may do this.")
    return event


async def owned_event(work: Work, public_id: str, *, to_change: bool = False) -> Event:
    """The event, if it is this actor's own: co-organizers are told who may."""
    event = await managed_event(work, public_id, to_change=to_change)
    if event.owner_user_id != work.actor.user_id:
        raise SoonishError(Code.FORBIDDEN, "Only the owner of this event may do this.", hint="Ask them.")
    return event
