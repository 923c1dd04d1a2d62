"""Accepting an invitation: with an account at once, without one by the same double opt-in as for public events."""

import datetime as dt

from sqlalchemy import false, select, update

from core.db.models import Event, EventGrant, EventInvitation, EventOrganizer, User
from core.delivery.addresses import mail_channel
from core.errors import Code, SoonishError, invalid
from core.events.checks import ASK_FOR_ANOTHER, refuse_when_over
from core.events.model import EventView
from core.events.usecases import full_view
from core.invitations.model import Invitation, state_of
from core.limits import HOUR, demand
from core.subscriptions.join import ask_to_confirm
from core.subscriptions.model import CheckInbox, SubscribeByEmail
from core.subscriptions.person import was_removed
from core.times import say
from core.tokens import token_hash
from core.work import Work

_WORDS = {
    "used": "This invitation has been used up.",
    "expired": "This invitation has expired.",
    "revoked": "This invitation was withdrawn.",
}
_UNKNOWN = "This invitation is not one of ours, or a part of its link is missing."


async def look_at_invitation(work: Work, token: str) -> Invitation:
    """What it invites to. Changes nothing: robots open links."""
    invitation, event = await _open(work, token, again_by=work.actor.user_id)
    host = await work.session.scalar(select(User.display_name).where(User.id == event.owner_user_id))
    return Invitation(
        purpose=invitation.purpose,
        event_name=event.name,
        when=say(event.start_date, event.timezone),
        host=host or "",
        label=invitation.label if invitation.kind == "email" else None,
    )


async def accept_invitation(work: Work, token: str) -> EventView:
    """With an account: may see and follow the event, manage it, or owns it now. Twice is once."""
    user_id = work.actor.require_user()
    user = await work.session.get_one(User, user_id)
    invitation, event = await _open(work, token, again_by=user_id, to_change=True)
    refuse_when_over(event, work.now, hint=ASK_FOR_ANOTHER)
    if invitation.kind == "email" and not _is_theirs(work, invitation, user):
        raise SoonishError(
            Code.FORBIDDEN,
            "This invitation is for another address.",
            hint="Accept it with the account of that address.",
        )
    if await was_removed(work, event.id, invitation.destination or "", user_id):
        raise SoonishError(Code.FORBIDDEN, "The organizer removed you from this event.", hint="Ask them.")
    if not await admit(work, invitation, user_id=user_id):
        raise _closed("used")
    if invitation.purpose != "follow" and event.owner_user_id != user_id:
        await organize(work, event, user_id)
    if invitation.purpose == "own":
        await _hand_over(work, event, user_id)
    work.detail = {"invitation": invitation.id, "purpose": invitation.purpose}
    return await full_view(work, event, mine=await manages(work, event, user_id))


async def accept_by_email(work: Work, token: str, request: SubscribeByEmail) -> CheckInbox:
    """Without an account: the address is asked to confirm, and saying yes accepts. The answer never says whether it
    is known, limited or suppressed."""
    invitation, event = await _open(work, token)
    refuse_when_over(event, work.now, hint=ASK_FOR_ANOTHER)
    channel = mail_channel(request.email)
    if invitation.purpose != "follow":
        raise SoonishError(Code.UNAUTHENTICATED, "This takes an account.", hint="Accept it with the account's token.")
    if invitation.kind == "email" and invitation.destination != work.keys.digest("destination", channel.destination):
        raise invalid("This invitation is for another address.", field="email", hint=f"It went to {invitation.label}.")
    if not request.website:
        if work.actor.ip:
            await demand(work, "subscribe_ip", work.actor.ip, work.settings.subscribe_per_ip_hour, HOUR)
        await ask_to_confirm(work, event, channel, invitation.id)
    return CheckInbox()


async def admit(
    work: Work, invitation: EventInvitation, *, user_id: int | None = None, address_id: int | None = None
) -> bool:
    """Use the invitation once for this person. False: it is closed, or what it gave them was taken back."""
    mine = EventGrant.user_id == user_id if user_id is not None else EventGrant.integration_id == address_id
    before = await work.session.scalar(select(EventGrant).where(EventGrant.invitation_id == invitation.id, mine))
    if before is not None:
        return before.revoked_at is None
    used = await work.session.execute(
        update(EventInvitation)
        .where(
            EventInvitation.id == invitation.id,
            EventInvitation.revoked_at.is_(None),
            EventInvitation.expires_at > work.now,
            EventInvitation.max_uses.is_(None) | (EventInvitation.uses < EventInvitation.max_uses),
        )
        .values(uses=EventInvitation.uses + 1)
        .execution_options(synchronize_session=False)
    )
    if used.rowcount != 1:  # type: ignore[attr-defined]
        return False
    work.session.add(
        EventGrant(
            event_id=invitation.event_id,
            user_id=user_id,
            integration_id=address_id,
            invitation_id=invitation.id,
            created_at=work.now,
        )
    )
    await work.session.flush()
    return True


def is_open(invitation: EventInvitation, now: dt.datetime) -> bool:
    return state_of(invitation, now) == "open"


async def _open(
    work: Work, token: str, *, again_by: int | None = None, to_change: bool = False
) -> tuple[EventInvitation, Event]:
    """The invitation and its event. `again_by`: an account for which an invitation that is used up still counts if
    it was the one who used it. `to_change`: who takes it back at the same time is waited for (PostgreSQL)."""
    query = (
        select(EventInvitation, Event, EventGrant.id)
        .join(Event, Event.id == EventInvitation.event_id)
        .outerjoin(
            EventGrant,
            (EventGrant.invitation_id == EventInvitation.id)
            & (EventGrant.user_id == again_by if again_by is not None else false())
            & EventGrant.revoked_at.is_(None),
        )
        .where(EventInvitation.token_hash == token_hash(token[:400]))
    )
    if to_change:
        query = query.with_for_update(key_share=True, of=(Event, EventInvitation))
    found = (await work.session.execute(query)).one_or_none()
    if found is None:
        raise SoonishError(Code.NOT_FOUND, _UNKNOWN, hint="Open the whole link again, or ask for a new one.")
    invitation, event, again = found
    state = state_of(invitation, work.now)
    if invitation.purpose == "own" and invitation.created_by != event.owner_user_id and again is None:
        state = "revoked"  # whoever offered it does not own it any more
    if state == "revoked" or (state != "open" and again is None):
        raise _closed(state)
    work.subject = f"event:{event.id}"
    return invitation, event


def _closed(state: str) -> SoonishError:
    return SoonishError(Code.NOT_FOUND, _WORDS[state], hint="Ask whoever invited you for a new one.")


def _is_theirs(work: Work, invitation: EventInvitation, user: User) -> bool:
    if user.email is None or user.email_verified_at is None:
        return False
    return invitation.destination == work.keys.digest("destination", mail_channel(user.email).destination)


async def manages(work: Work, event: Event, user_id: int) -> bool:
    return event.owner_user_id == user_id or await _organizes(work, event, user_id) is not None


async def _organizes(work: Work, event: Event, user_id: int) -> EventOrganizer | None:
    row: EventOrganizer | None = await work.session.scalar(
        select(EventOrganizer).where(EventOrganizer.event_id == event.id, EventOrganizer.user_id == user_id)
    )
    return row


async def organize(work: Work, event: Event, user_id: int) -> None:
    if await _organizes(work, event, user_id) is None:
        work.session.add(EventOrganizer(event_id=event.id, user_id=user_id, created_at=work.now))
        await work.session.flush()


async def _hand_over(work: Work, event: Event, user_id: int) -> None:
    """The one who gave it away goes on as a co-organizer, until the new owner says otherwise."""
    before = event.owner_user_id
    if before == user_id:
        return
    if (row := await _organizes(work, event, user_id)) is not None:
        await work.session.delete(row)
    await work.session.execute(
        update(Event)
        .where(Event.id == event.id)
        .values(owner_user_id=user_id, revision=Event.revision + 1, updated_at=work.now)
        .execution_options(synchronize_session=False)
    )
    await work.session.refresh(event)
    await organize(work, event, before)
