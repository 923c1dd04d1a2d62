"""What organizers do with invitations: make them, list them, take them back."""

import datetime as dt

from sqlalchemy import delete, select, update

from core.contracts import EVENT_UPDATED
from core.db.models import (
    Event,
    EventGrant,
    EventInvitation,
    EventOrganizer,
    Identity,
    Notification,
    SuppressedAddress,
)
from core.delivery.addresses import Channel, mail_channel
from core.errors import not_found
from core.events.access import managed_event, owned_event
from core.events.checks import STILL_TO_SEND, refuse_when_over
from core.integrations.store import anonymous_channel
from core.invitations.grants import end_access, forgive
from core.invitations.model import (
    InvitationView,
    Invited,
    NewInChat,
    NewLink,
    NewMail,
    Offered,
    OneAddress,
    Purpose,
    Revoked,
    view_of,
)
from core.limits import DAY, HOUR, demand, take
from core.notifications.owe import new_notification, owe_channel, withdraw_notifications
from core.pages import Page, PageRequest, cut, position
from core.text import mask_address
from core.tokens import form_invitation_token, invitation_token, new_invitation_token, token_hash
from core.work import Work

_A_DAY = 500
"""Invitations that one organizer makes at most."""
_LIFETIME: dict[Purpose, dt.timedelta] = {
    "follow": dt.timedelta(days=30),
    "organize": dt.timedelta(days=7),
    "own": dt.timedelta(days=7),
}
_TITLES: dict[Purpose, str] = {
    "follow": "You're invited to {name}",
    "organize": "Help to organize {name}?",
    "own": "Take over {name}?",
}


async def invite(work: Work, public_id: str, new: NewLink | NewMail | NewInChat, *, form: str | None = None) -> Invited:
    """A link to pass on, a mail to one address, or whom a chat platform knows. Whom the organizer removed is let back
    by being invited anew in person. `form` names the form that a link is made with: sent twice, it makes one."""
    event = await managed_event(work, public_id, to_change=True)
    if isinstance(new, NewLink):
        refuse_when_over(event, work.now, hint=STILL_TO_SEND)
        return await _link(work, event, new, form)
    if isinstance(new, NewInChat):
        await _demand_one(work)
        row = await _in_chat(work, event, new, "follow")
        return Invited(**view_of(row, work.now).model_dump(), link=None)
    row, before = await _mail(work, event, new.email, "follow")
    await forgive(work, event.id, (row.destination or "", None))
    return Invited(**view_of(row, work.now).model_dump(), mailed_before=before, link=None)


async def open_to(work: Work, event: Event, place: NewInChat) -> None:
    """A channel that a card of the event stands in. Limits are the cards' own: what is to be read there already is not
    refused."""
    await _in_chat(work, event, place, "follow")


async def invite_organizer(work: Work, public_id: str, who: OneAddress | NewInChat) -> Offered:
    """Ask an address to manage the event too: its account accepts. The answer is the same whether there is one. Or have
    everybody with a role in chat manage it, from their first press on."""
    event = await owned_event(work, public_id, to_change=True)
    if isinstance(who, NewInChat):
        await _demand_one(work)
        return Offered(**view_of(await _in_chat(work, event, who, "organize"), work.now).model_dump())
    row, before = await _mail(work, event, who.email, "organize")
    return Offered(**view_of(row, work.now).model_dump(), mailed_before=before)


async def offer_event(work: Work, public_id: str, who: OneAddress) -> Offered:
    """Ask an address to take the event over. Nothing changes until its account accepts; a later offer voids this."""
    event = await owned_event(work, public_id, to_change=True)
    row, before = await _mail(work, event, who.email, "own")
    others = await work.session.scalars(
        select(EventInvitation).where(
            EventInvitation.event_id == event.id,
            EventInvitation.purpose == "own",
            EventInvitation.revoked_at.is_(None),
            EventInvitation.id != row.id,
        )
    )
    for other in others.all():
        other.revoked_at = work.now
        await _withdraw(work, other)
    return Offered(**view_of(row, work.now).model_dump(), mailed_before=before)


async def list_invitations(work: Work, public_id: str, page: PageRequest) -> Page[InvitationView]:
    """Every invitation to the event, newest first; no list shows a token or an address."""
    event = await managed_event(work, public_id)
    query = select(EventInvitation).where(EventInvitation.event_id == event.id)
    if page.cursor:
        query = query.where(EventInvitation.id < position(page.cursor))
    rows = await work.session.scalars(query.order_by(EventInvitation.id.desc()).limit(page.limit + 1))
    return cut([(row.id, view_of(row, work.now)) for row in rows], page)


async def revoke_invitation(work: Work, public_id: str, invitation_id: int) -> Revoked:
    """Nobody comes in by it any more, and who came in by it alone is out: what they follow ends, what waits for them
    is not sent. Doing it twice is harmless."""
    event = await managed_event(work, public_id, to_change=True)
    row = await work.session.get(EventInvitation, invitation_id)
    if row is None or row.event_id != event.id:
        raise not_found("invitation")
    if row.purpose != "follow":
        await owned_event(work, public_id)
    work.detail = {"invitation": row.id}
    row.revoked_at = row.revoked_at or work.now
    await _withdraw(work, row)
    if row.purpose == "organize":
        came = select(EventGrant.user_id).where(EventGrant.invitation_id == row.id)
        await work.session.execute(
            delete(EventOrganizer).where(EventOrganizer.event_id == event.id, EventOrganizer.user_id.in_(came))
        )
    await work.session.execute(
        update(EventGrant)
        .where(EventGrant.invitation_id == row.id, EventGrant.revoked_at.is_(None))
        .values(revoked_at=work.now)
    )
    return Revoked(ended_subscriptions=await end_access(work, event.id, "Their invitation was withdrawn."))


async def _demand_one(work: Work) -> None:
    await demand(work, "invite", str(work.actor.user_id), _A_DAY, DAY)


async def _link(work: Work, event: Event, new: NewLink, form: str | None) -> Invited:
    token = new_invitation_token()
    if form is not None:
        said = new.model_dump_json()
        token = form_invitation_token(work.keys, f"{work.actor.user_id} {event.id} {form} {said}")
    row = await work.session.scalar(select(EventInvitation).where(EventInvitation.token_hash == token_hash(token)))
    if row is None:
        row = _row(work, event, "follow", "link", "Anyone with the link", dt.timedelta(days=new.expires_in_days))
        row.max_uses, row.token_hash = new.max_uses, token_hash(token)
        await _demand_one(work)
        await work.session.flush()
    work.detail = {"invitation": row.id}
    link = f"{work.settings.public_base_url}/i/{token}"
    return Invited(**view_of(row, work.now).model_dump(), link=link)


async def _in_chat(work: Work, event: Event, new: NewInChat, purpose: Purpose) -> EventInvitation:
    """The open invitation of these people, or a new one."""
    refuse_when_over(event, work.now, hint=STILL_TO_SEND)
    named = {"platform": new.platform, "tenant_id": new.tenant_id, "external_id": new.external_id}
    row = await work.session.scalar(
        select(EventInvitation)
        .filter_by(event_id=event.id, purpose=purpose, kind=new.kind, **named)
        .where(EventInvitation.revoked_at.is_(None), EventInvitation.uses == 0)
        .order_by(EventInvitation.id.desc())
        .limit(1)
    )
    lifetime = dt.timedelta(days=new.expires_in_days)
    if row is None:
        row = _row(work, event, purpose, new.kind, new.label, lifetime)
        row.platform, row.tenant_id, row.external_id = new.platform, new.tenant_id, new.external_id
        row.max_uses = 1 if new.kind == "identity" else None
    row.expires_at = work.now + lifetime
    await work.session.flush()
    work.detail = {"invitation": row.id}
    if (
        new.kind == "identity"
        and (member := await work.session.scalar(select(Identity).filter_by(**named))) is not None
    ):
        await forgive(work, event.id, ("", member.user_id))
    return row


async def _mail(work: Work, event: Event, email: str, purpose: Purpose) -> tuple[EventInvitation, dt.datetime | None]:
    """The open invitation of this address, or a new one, and a mail about it: one a day, as asking again helps nobody
    who has it. Since when it is there, if nothing was sent for that reason.

    An address that is suppressed or hears from strangers often enough gets none either, and the organizer is not told
    so: the day's mail counts as sent.
    """
    channel = mail_channel(email)
    assert channel.address is not None  # noqa: S101 - a mail channel has one
    refuse_when_over(event, work.now, hint=STILL_TO_SEND)
    await _demand_one(work)
    destination = work.keys.digest("destination", channel.destination)
    row = await work.session.scalar(
        select(EventInvitation).where(
            EventInvitation.event_id == event.id,
            EventInvitation.destination == destination,
            EventInvitation.purpose == purpose,
            EventInvitation.created_by == work.actor.user_id,
            EventInvitation.revoked_at.is_(None),
            EventInvitation.uses == 0,
            EventInvitation.expires_at > work.now,
        )
    )
    if row is None:
        row = _row(work, event, purpose, "email", mask_address(channel.address), _LIFETIME[purpose])
        row.destination, row.max_uses = destination, 1
        await work.session.flush()
        row.token_hash = token_hash(invitation_token(work.keys, row.id))
    work.detail = {"invitation": row.id}
    if (wait := await take(work, "invite_mail", str(row.id), 1, DAY)) is not None:
        return row, work.now + dt.timedelta(seconds=wait) - DAY
    if await work.session.get(SuppressedAddress, destination) is None and await _hears_seldom(work, channel):
        await _send(work, event, channel, row, purpose)
    return row, None


def _row(work: Work, event: Event, purpose: Purpose, kind: str, label: str, lifetime: dt.timedelta) -> EventInvitation:
    row = EventInvitation(
        event_id=event.id,
        purpose=purpose,
        kind=kind,
        label=label,
        created_by=work.actor.require_user(),
        expires_at=work.now + lifetime,
        uses=0,
        created_at=work.now,
    )
    work.session.add(row)
    return row


async def _hears_seldom(work: Work, channel: Channel) -> bool:
    """The hour's limit is shared with the mails that ask to confirm: an address hears from strangers so often and no
    more."""
    an_hour = work.settings.subscribe_per_address_hour
    return await take(work, "confirm_address", channel.destination, an_hour, HOUR) is None


async def _send(work: Work, event: Event, channel: Channel, row: EventInvitation, purpose: Purpose) -> None:
    integration, _ = await anonymous_channel(work, channel)
    notification = await new_notification(
        work,
        "invitation",
        event=event,
        title=_TITLES[purpose].format(name=event.name),
        data={"invitation": row.id, "purpose": purpose},
    )
    await owe_channel(work, notification, integration)
    work.ring(EVENT_UPDATED, event.id, event_id=event.id)


async def _withdraw(work: Work, row: EventInvitation) -> None:
    """Its mail, if that has not left yet."""
    ids = await work.session.scalars(
        select(Notification.id).where(
            Notification.event_id == row.event_id,
            Notification.kind == "invitation",
            Notification.superseded_at.is_(None),
            Notification.data["invitation"].as_integer() == row.id,
        )
    )
    if found := ids.all():
        await withdraw_notifications(work, found, "The invitation was withdrawn.")
