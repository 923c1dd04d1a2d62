"""Coming in from chat: who was invited as a member, by a role or in a space is let in at their press. What is true of
them then is kept as a grant: losing the role later takes no sight of the event back, taking the invitation back does.
Who organizes by a role does so while they have it: a press without it, where it would show, ends that."""

from sqlalchemy import ColumnElement, Select, and_, delete, exists, not_, or_, select

from core.db.models import Event, EventGrant, EventInvitation, EventOrganizer, Identity, Subscription
from core.errors import Code, SoonishError, not_found
from core.events.access import managed_event, may_see
from core.events.checks import ASK_FOR_ANOTHER, refuse_when_over
from core.events.model import EventView
from core.events.usecases import full_view
from core.invitations.accept import admit, is_open, manages, organize
from core.invitations.grants import end_access
from core.subscriptions.person import was_removed
from core.work import Actor, Work


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
        .where(EventInvitation.event_id == event.id, EventInvitation.revoked_at.is_(None), _fits(work.actor))
        .order_by(EventInvitation.id)
    )
    invited = [row for row in rows if is_open(row, work.now)]
    if not invited and not sees:
        raise not_found("event")
    work.subject = f"event:{event.id}"
    if invited:
        await _accept(work, event, invited, user_id)
    return await full_view(work, event, mine=await manages(work, event, user_id))


def invited_here(work: Work) -> ColumnElement[bool]:
    """Of an event: that an open invitation fits this press, and that they were not removed. `come_in` decides."""
    removed = exists().where(
        Subscription.event_id == Event.id,
        Subscription.user_id == work.actor.user_id,
        Subscription.ended_by == "removed",
    )
    return and_(exists().where(EventInvitation.event_id == Event.id, *_open(work)), not_(removed))


async def is_named_organizer(work: Work, public_id: str) -> bool:
    """Whether an open invitation to organize the event fits this press."""
    organize = EventInvitation.purpose == "organize"
    this_one = and_(EventInvitation.event_id == Event.id, Event.public_id == public_id)
    return bool(await work.session.scalar(select(exists().where(this_one, organize, *_open(work)))))


async def organizes_by_lost_role(work: Work, public_id: str) -> bool:
    """Whether a role alone made them an organizer, and this press comes from its server and without it. None is lost
    where the platform does not say which they have."""
    place, signed = (work.actor.signed.place if work.actor.signed is not None else None), work.actor.signed
    if signed is None or place is None or not place.tenant_id or place.roles is None:
        return False
    by_role = and_(EventInvitation.kind == "role", EventInvitation.platform == signed.platform)
    here = and_(by_role, EventInvitation.tenant_id == place.tenant_id)
    lost = and_(here, EventInvitation.external_id.not_in(place.roles))
    came = _made_organizer(work).where(Event.public_id == public_id)
    return bool(
        await work.session.scalar(select(and_(came.where(lost).exists(), not_(came.where(not_(lost)).exists()))))
    )


async def leave_with_role(work: Work, public_id: str) -> None:
    """They organize no more. Should they get the role again, their next press makes them an organizer again."""
    event = await managed_event(work, public_id, to_change=True)
    if not await organizes_by_lost_role(work, public_id):
        return
    user_id = work.actor.require_user()
    came = _made_organizer(work).where(Event.id == event.id)
    grants = list(await work.session.scalars(came))
    organizer = EventOrganizer.event_id == event.id, EventOrganizer.user_id == user_id
    await work.session.execute(delete(EventOrganizer).where(*organizer))
    await work.session.execute(delete(EventGrant).where(EventGrant.id.in_(grants)))
    work.detail = {"organizer": user_id}
    await end_access(work, event.id, "They do not have the role any more that let them in.")


def _made_organizer(work: Work) -> Select[int]:
    return (
        select(EventGrant.id)
        .join(EventInvitation, EventInvitation.id == EventGrant.invitation_id)
        .join(Event, Event.id == EventGrant.event_id)
        .where(
            EventGrant.user_id == work.actor.user_id,
            EventGrant.revoked_at.is_(None),
            EventInvitation.purpose != "follow",
            Event.owner_user_id != work.actor.user_id,
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


def _open(work: Work) -> tuple[ColumnElement[bool], ...]:
    """As `is_open`, in SQL, for invitations that fit this press."""
    unused = or_(EventInvitation.max_uses.is_(None), EventInvitation.uses < EventInvitation.max_uses)
    return EventInvitation.revoked_at.is_(None), EventInvitation.expires_at > work.now, unused, _fits(work.actor)


def _fits(actor: Actor) -> ColumnElement[bool]:
    """Members by any identity of their account, and by the one that speaks; roles and spaces by what the platform
    signed with this press."""
    theirs: ColumnElement[bool] = exists().where(
        Identity.user_id == actor.user_id,
        Identity.platform == EventInvitation.platform,
        Identity.tenant_id == EventInvitation.tenant_id,
        Identity.external_id == EventInvitation.external_id,
    )
    signed = actor.signed
    if signed is not None:
        speaks = {"platform": signed.platform, "tenant_id": signed.tenant_id, "external_id": signed.external_id}
        theirs = or_(theirs, and_(*(getattr(EventInvitation, name) == value for name, value in speaks.items())))
    member = and_(EventInvitation.kind == "identity", theirs)
    if signed is None or signed.place is None:
        return member
    place = signed.place
    has_role = and_(EventInvitation.kind == "role", EventInvitation.external_id.in_(place.roles or ()))
    is_there = and_(EventInvitation.kind == "space", EventInvitation.external_id.in_(("", place.space_id or "")))
    here = (EventInvitation.platform == signed.platform, EventInvitation.tenant_id == place.tenant_id)
    return or_(member, and_(*here, or_(has_role, is_there)))
