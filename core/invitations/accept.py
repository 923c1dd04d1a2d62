"""Accepting an invitation: with an account at once; without one by the mail that it came in, or by the same double
opt-in as for public events."""

import datetime as dt
from typing import Literal

from sqlalchemy import false, or_, select, update

from core.db.models import (
    Event,
    EventGrant,
    EventInvitation,
    EventOrganizer,
    Integration,
    Subscription,
    SuppressedAddress,
    User,
)
from core.delivery.addresses import Channel, mail_channel
from core.errors import Code, SoonishError, conflict, invalid
from core.events.access import follower_may_see
from core.events.checks import ASK_FOR_ANOTHER, refuse_when_over
from core.events.model import EventView, guest_view
from core.events.usecases import full_view
from core.integrations.store import anonymous_channel, kept_address
from core.invitations.model import Invitation, state_of
from core.limits import HOUR, demand
from core.subscriptions.join import ask_to_confirm, join_by_address, row_of
from core.subscriptions.model import CameIn, CheckInbox, SubscribeByEmail
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
    mailed = invitation.kind == "email" and invitation.purpose == "follow"
    follows = await _follows(work, invitation) if mailed else None
    return Invitation(
        purpose=invitation.purpose,
        event_name=event.name,
        when=say(event.start_date, event.timezone),
        host=host or "",
        label=invitation.label if invitation.kind == "email" else None,
        one_press=mailed and await kept_address(work, invitation.destination or "") is not None,
        follows=follows,
        closed=_no_more_to_come(work, event),
        page=event.public_id if event.is_public else None,
        guest=guest_view(event) if follows and not event.is_public else None,
    )


def _no_more_to_come(work: Work, event: Event) -> str | None:
    try:
        refuse_when_over(event, work.now, hint="")
    except SoonishError as refused:
        return refused.message
    return None


async def _follows(work: Work, invitation: EventInvitation) -> Literal["active", "paused"] | None:
    query = (
        select(Subscription.state)
        .join(Integration, Integration.id == Subscription.integration_id)
        .join(Event, Event.id == Subscription.event_id)
        .where(
            Subscription.event_id == invitation.event_id,
            Subscription.state.in_(("active", "paused")),
            Integration.destination == invitation.destination,
            Integration.user_id.is_(None),
            follower_may_see(),
        )
    )
    state: Literal["active", "paused"] | None = await work.session.scalar(query.limit(1))
    return state


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


async def accept_by_email(work: Work, token: str, request: SubscribeByEmail) -> CheckInbox | CameIn:
    """Without an account. By a link that was passed on, the address is asked to confirm, and saying yes accepts; the
    answer never says whether it is known, limited or suppressed. By one that was mailed to it, it is in at once, and
    need not be typed for as long as it is kept: who opened that mail has proved it."""
    invitation, event = await _open(work, token, to_change=True)
    refuse_when_over(event, work.now, hint=ASK_FOR_ANOTHER)
    if invitation.purpose != "follow":
        raise SoonishError(Code.UNAUTHENTICATED, "This takes an account.", hint="Accept it with the account's token.")
    channel = await _address(work, invitation, request.email)
    if request.website:
        return CheckInbox()
    if work.actor.ip:
        await demand(work, "subscribe_ip", work.actor.ip, work.settings.subscribe_per_ip_hour, HOUR)
    if invitation.kind == "email":
        return await _come_in(work, invitation, event, channel)
    await ask_to_confirm(work, event, channel, invitation.id)
    return CheckInbox()


async def _address(work: Work, invitation: EventInvitation, typed: str) -> Channel:
    if invitation.kind != "email":
        return mail_channel(typed)
    if not typed:
        kept = await kept_address(work, invitation.destination or "")
        if kept is None:
            raise invalid("Type the address that the invitation went to.", field="email")
        return kept
    channel = mail_channel(typed)
    if invitation.destination != work.keys.digest("destination", channel.destination):
        raise invalid("This invitation is for another address.", field="email", hint=f"It went to {invitation.label}.")
    return channel


async def _come_in(work: Work, invitation: EventInvitation, event: Event, channel: Channel) -> CheckInbox | CameIn:
    """A no that the address has said since it was invited is taken back by its own person alone: whoever the mail was
    passed on to has the link too, so one more mail asks."""
    if await work.session.get(SuppressedAddress, work.keys.digest("destination", channel.destination)) is not None:
        raise conflict(
            "This address asked for no more mail from us.",
            hint="The link “Everything you follow” in an older mail takes that back.",
        )
    integration, _ = await anonymous_channel(work, channel)
    if await was_removed(work, event.id, integration.destination, None):
        raise SoonishError(Code.FORBIDDEN, "The organizer removed you from this event.", hint="Ask them.")
    row = await row_of(work, event.id, integration.id)
    if row is not None and row.ended_by == "unsubscribed" and row.ended_at and row.ended_at >= invitation.created_at:
        await ask_to_confirm(work, event, channel, invitation.id)
        return CheckInbox()
    if not await admit(work, invitation, address_id=integration.id):
        raise _closed("used")
    await join_by_address(work, event, integration, invitation.id)
    return CameIn()


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
    it was the one who used it; the link that was mailed to an address counts on for it until it has an account.
    `to_change`: who takes it back at the same time is waited for (PostgreSQL)."""
    query = (
        select(EventInvitation, Event, EventGrant.id)
        .join(Event, Event.id == EventInvitation.event_id)
        .outerjoin(
            EventGrant,
            (EventGrant.invitation_id == EventInvitation.id)
            & or_(
                EventGrant.user_id == again_by if again_by is not None else false(),
                (EventInvitation.kind == "email") & EventGrant.user_id.is_(None),
            )
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
        raise _closed(state, mailed=invitation.kind == "email")
    work.subject = f"event:{event.id}"
    return invitation, event


def _closed(state: str, *, mailed: bool = False) -> SoonishError:
    hint = "Ask whoever invited you for a new one."
    if mailed and state == "used":
        hint = "If you accepted it, sign in with the address that it went to: the event is among yours."
    return SoonishError(Code.NOT_FOUND, _WORDS[state], hint=hint)


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
