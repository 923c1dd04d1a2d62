"""Coming in from chat: who was invited as a member, by a role or in a space is let in at their press. What is true of
them then is kept as a grant: losing the role later takes no sight of the event back, taking the invitation back does.
Who organizes by a role does so while they have it: a press without it, where it would show, ends that."""

from functools import cache
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, exists, not_, or_, select

from core.db.models import Event, EventGrant, EventInvitation, EventOrganizer, Identity, Subscription
from core.errors import Code, SoonishError, not_found
from core.events.access import managed_event, may_see, sees_and_manages
from core.events.checks import ASK_FOR_ANOTHER, refuse_when_over
from core.events.model import EventView, event_view
from core.events.usecases import full_view
from core.invitations.accept import admit, is_open, manages, organize
from core.invitations.grants import end_access
from core.notifications.owe import ACTIVE, people
from core.subscriptions.model import Ways
from core.subscriptions.person import was_removed
from core.subscriptions.views import ways_to
from core.work import Work


class Met(BaseModel):
    """An event, and what it is to whoever presses."""

    event: EventView
    asked: bool
    """An open invitation to organize it fits this press, and they do not yet."""
    lost: bool
    """A role alone made them an organizer, and this press comes from its server and without it."""
    ways: Ways = Ways()


async def meet(work: Work, public_id: str, *, ways: bool = False) -> Met:
    """All in one statement, for whoever may see it already. `ways`: how they hear about it too, in one more; nobody
    without an account does."""
    given = {"event": public_id, **pressed(work)}
    found = (await work.session.execute(_met(work.actor.user_id is None), given)).one_or_none()
    if found is None:
        raise not_found("event")
    event, manages, count, named, lost = found
    view = event_view(work, event, count, mine=bool(manages))
    met = Met(event=view, asked=bool(named) and not view.mine, lost=bool(lost) and _says_roles(work))
    if ways and work.actor.user_id is not None:
        met.ways = await ways_to(work, view)
    return met


async def come_in(work: Work, public_id: str) -> EventView:
    """The event, for whoever may see it by now. Every invitation that fits this press is accepted; twice is once."""
    user_id = work.actor.require_user()
    query = select(Event, may_see(work.actor)).where(Event.public_id == public_id)
    found = (await work.session.execute(query.with_for_update(key_share=True, of=Event))).one_or_none()
    if found is None:
        raise not_found("event")
    event, sees = found
    rows = await work.session.scalars(
        select(EventInvitation)
        .where(EventInvitation.event_id == event.id, EventInvitation.revoked_at.is_(None), _fits())
        .order_by(EventInvitation.id),
        pressed(work),
    )
    invited = [row for row in rows if is_open(row, work.now)]
    if not invited and not sees:
        raise not_found("event")
    work.subject = f"event:{event.id}"
    if invited:
        await _accept(work, event, invited, user_id)
    return await full_view(work, event, mine=await manages(work, event, user_id))


def invited_here() -> ColumnElement[bool]:
    """Of an event: that an open invitation fits the press that is bound (`pressed`), and that they were not removed.
    `come_in` decides."""
    removed = exists().where(
        Subscription.event_id == Event.id,
        Subscription.user_id == bindparam("account"),
        Subscription.ended_by == "removed",
    )
    return and_(exists().where(EventInvitation.event_id == Event.id, *_open()), not_(removed))


def pressed(work: Work) -> dict[str, Any]:
    """What statements that are made once take from this press. What the platform did not say equals nothing."""
    signed = work.actor.signed
    place = signed.place if signed is not None else None
    return {
        "account": work.actor.user_id,
        "now": work.now,
        "platform": signed.platform if signed is not None else None,
        "tenant": signed.tenant_id if signed is not None else None,
        "speaker": signed.external_id if signed is not None else None,
        "server": place.tenant_id if place is not None else None,
        "space": place.space_id if place is not None else None,
        "roles": sorted(place.roles or ()) if place is not None else [],
    }


async def leave_with_role(work: Work, public_id: str) -> None:
    """They organize no more. Should they get the role again, their next press makes them an organizer again."""
    event = await managed_event(work, public_id, to_change=True)
    if not (await meet(work, public_id)).lost:
        return
    user_id = work.actor.require_user()
    came = _made_organizer().join(Event, Event.id == EventGrant.event_id).where(Event.id == event.id)
    grants = list(await work.session.scalars(came, pressed(work)))
    organizer = EventOrganizer.event_id == event.id, EventOrganizer.user_id == user_id
    await work.session.execute(delete(EventOrganizer).where(*organizer))
    await work.session.execute(delete(EventGrant).where(EventGrant.id.in_(grants)))
    work.detail = {"organizer": user_id}
    await end_access(work, event.id, "They no longer have the role that let them in.")


@cache
def _met(nobody: bool) -> Select[*tuple[Any, ...]]:
    """Made once: nearly every press begins with it."""
    sees, manages = sees_and_manages(nobody)
    follow = select(people()).where(Subscription.event_id == Event.id, ACTIVE).correlate(Event).scalar_subquery()
    organize = EventInvitation.purpose == "organize"
    named = exists().where(EventInvitation.event_id == Event.id, organize, *_open())
    came, lost = _made_organizer().correlate(Event), _by_a_role_they_lack()
    gone = and_(came.where(lost).exists(), not_(came.where(not_(lost)).exists()))
    return select(Event, manages, follow, named, gone).where(Event.public_id == bindparam("event"), sees)


def _says_roles(work: Work) -> bool:
    """None is lost where the platform does not say which they have."""
    signed = work.actor.signed
    return signed is not None and signed.place is not None and signed.place.roles is not None


def _by_a_role_they_lack() -> ColumnElement[bool]:
    """Of an invitation: to a role of the server that the press comes from."""
    return and_(
        EventInvitation.kind == "role",
        EventInvitation.platform == bindparam("platform"),
        EventInvitation.tenant_id == bindparam("server"),
        EventInvitation.external_id.not_in(bindparam("roles", expanding=True)),
    )


def _made_organizer() -> Select[int]:
    """Of an event that is another's: the grants by which whoever presses organizes it."""
    return (
        select(EventGrant.id)
        .join(EventInvitation, EventInvitation.id == EventGrant.invitation_id)
        .where(
            EventGrant.event_id == Event.id,
            EventGrant.user_id == bindparam("account"),
            EventGrant.revoked_at.is_(None),
            EventInvitation.purpose != "follow",
            Event.owner_user_id != bindparam("account"),
        )
    )


async def _accept(work: Work, event: Event, invited: list[EventInvitation], user_id: int) -> None:
    refuse_when_over(event, work.now, hint=ASK_FOR_ANOTHER)
    if await was_removed(work, event.id, "", user_id):
        raise SoonishError(Code.FORBIDDEN, "The organizer removed you from this event.", hint="Ask them.")
    let_in = [row for row in invited if await admit(work, row, user_id=user_id)]
    if any(row.purpose == "organize" for row in let_in) and event.owner_user_id != user_id:
        await organize(work, event, user_id)
    work.detail = {"invitations": [row.id for row in let_in]}


def _open() -> tuple[ColumnElement[bool], ...]:
    """As `is_open`, in SQL, for invitations that fit this press."""
    unused = or_(EventInvitation.max_uses.is_(None), EventInvitation.uses < EventInvitation.max_uses)
    return EventInvitation.revoked_at.is_(None), EventInvitation.expires_at > bindparam("now"), unused, _fits()


def _fits() -> ColumnElement[bool]:
    """Members by any identity of their account, and by the one that speaks; roles and spaces by what the platform
    signed with this press (`pressed`)."""
    theirs = exists().where(
        Identity.user_id == bindparam("account"),
        Identity.platform == EventInvitation.platform,
        Identity.tenant_id == EventInvitation.tenant_id,
        Identity.external_id == EventInvitation.external_id,
    )
    speaks = and_(
        EventInvitation.platform == bindparam("platform"),
        EventInvitation.tenant_id == bindparam("tenant"),
        EventInvitation.external_id == bindparam("speaker"),
    )
    member = and_(EventInvitation.kind == "identity", or_(theirs, speaks))
    here = (EventInvitation.platform == bindparam("platform"), EventInvitation.tenant_id == bindparam("server"))
    has_role = and_(EventInvitation.kind == "role", EventInvitation.external_id.in_(bindparam("roles", expanding=True)))
    this_one = or_(EventInvitation.external_id == "", EventInvitation.external_id == bindparam("space"))
    return or_(member, and_(*here, or_(has_role, and_(EventInvitation.kind == "space", this_one))))
