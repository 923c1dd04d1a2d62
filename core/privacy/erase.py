"""Erasing an account, or an address without one: in one transaction, and nothing of the person is left but what is
said here. What others need goes on without a name: the ledger's rows, and past events with what was said about them."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, String, case, cast, delete, exists, func, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from core.accounts.sessions import require_sudo
from core.contracts import EVENT_UPDATED, PARTICIPANT_REMOVED
from core.db.models import (
    ChatInstallation,
    Delivery,
    Draft,
    Event,
    EventAnnouncement,
    EventGrant,
    EventInvitation,
    EventOrganizer,
    EventUpdate,
    Identity,
    Integration,
    Notification,
    Session,
    StoredRequest,
    Subscription,
    SuppressedAddress,
    Token,
    User,
)
from core.delivery.addresses import MAIL
from core.errors import conflict
from core.privacy.whose import Whose, account_data, address_data
from core.subscriptions.allowance import allow_anew
from core.times import effective_end
from core.work import Work

ERASED = "erased"
"""Stands where a name or a label was."""
NOBODY_ANY_MORE = "Somebody who left"
"""The organizer of past events whose account was erased."""
_NAMED_AT_MOST = 5


class Erased(BaseModel):
    ended_subscriptions: int
    skipped_messages: int


async def erase_account(work: Work, *, never_again: bool = False) -> Erased:
    """Everything of the actor's. Refused while they own what is still to come: others count on it."""
    await require_sudo(work)
    whose = await account_data(work, to_change=True)
    work.subject = f"user:{whose.user_ids[0]}"
    await _refuse_while_organizing(work, whose)
    return await _erase(work, whose, never_again=never_again)


async def erase_address(work: Work, token: str, *, never_again: bool = False) -> Erased:
    """Everything of an address without an account, by a link that was mailed to it."""
    whose = await address_data(work, token)
    work.subject = f"integration:{whose.channel_ids[0]}"
    return await _erase(work, whose, never_again=never_again)


async def _refuse_while_organizing(work: Work, whose: Whose) -> None:
    rows = await work.session.scalars(
        select(Event)
        .where(Event.owner_user_id.in_(whose.user_ids), Event.status == "scheduled")
        .order_by(Event.start_date)
        .with_for_update()
    )
    names = [event.name for event in rows if effective_end(event.start_date, event.end_date) > work.now]
    if names:
        shown = ", ".join(f"“{name}”" for name in names[:_NAMED_AT_MOST])
        more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
        them = "them" if len(names) > 1 else "it"
        raise conflict(
            f"You own what is still to come: {shown}{more}.",
            hint=f"Cancel {them} or hand {them} over, then erase your account.",
        )


async def _erase(work: Work, whose: Whose, *, never_again: bool) -> Erased:
    ended = await _end_subscriptions(work, whose)
    skipped = await _skip_waiting(work, whose)
    await _let_come_back(work, whose)
    for wipe in STEPS.values():
        await wipe(work, whose)
    if never_again:
        await _suppress(work, whose)
    work.detail = {"ended": ended, "never_again": never_again}
    return Erased(ended_subscriptions=ended, skipped_messages=skipped)


async def _end_subscriptions(work: Work, whose: Whose) -> int:
    live = Subscription.integration_id.in_(whose.channel_ids) & (Subscription.state != "ended")
    found = (await work.session.execute(select(Subscription.id, Subscription.event_id).where(live))).all()
    await _set(work, Subscription, live, state="ended", ended_at=work.now, ended_by=ERASED)
    for event_id, subscription_id in {row.event_id: row.id for row in found}.items():
        work.ring(PARTICIPANT_REMOVED, subscription_id, event_id=event_id)
    return len(found)


async def _let_come_back(work: Work, whose: Whose) -> None:
    """What an address said yes to, it may be asked about again: while it is still known which address that is."""
    asked = (
        select(Integration.destination, Subscription.event_id)
        .join(Subscription, Subscription.integration_id == Integration.id)
        .where(Integration.id.in_(whose.channel_ids), Integration.kind == MAIL, Integration.confirmed_at.is_not(None))
    )
    await allow_anew(work, [(row.destination, row.event_id) for row in await work.session.execute(asked)])


async def _skip_waiting(work: Work, whose: Whose) -> int:
    """What is being sent this moment is recorded as what it becomes."""
    waiting = Delivery.integration_id.in_(whose.channel_ids) & Delivery.status.in_(("queued", "pending"))
    return await _set(work, Delivery, waiting, status="skipped", code=ERASED, reason="They had their data erased.")


async def _subscriptions(work: Work, whose: Whose) -> None:
    """Nobody's any more. No undo brings them back; that an organizer removed somebody stays."""
    theirs = Subscription.integration_id.in_(whose.channel_ids)
    await _set(
        work, Subscription, theirs, user_id=None, invitation_id=None, ended_act=None, state_before=None
    )  # fmt: skip


async def _deliveries(work: Work, whose: Whose) -> None:
    """Reports keep their counts and reasons, without whom it went to."""
    await _set(
        work,
        Delivery,
        Delivery.integration_id.in_(whose.channel_ids),
        destination=_unlike_any(Delivery.id),
        label=ERASED,
    )


async def _notifications(work: Work, whose: Whose) -> None:
    """Mail about the account says whose it is. What was written to an event's followers stays theirs."""
    private = (
        select(Notification.id)
        .join(Delivery, Delivery.notification_id == Notification.id)
        .where(Notification.event_id.is_(None), Delivery.integration_id.in_(whose.channel_ids))
    )
    await _set(
        work,
        Notification,
        Notification.id.in_(private),
        title=ERASED,
        body="",
        data={},
        superseded_at=func.coalesce(Notification.superseded_at, work.now),
    )
    await _set(work, Notification, Notification.requested_by.in_(whose.user_ids), requested_by=None)


async def _invitations(work: Work, whose: Whose) -> None:
    """Those that were for them are nobody's; those they made belong to the events."""
    await _set(
        work,
        EventInvitation,
        whose.invited,
        destination=None,
        external_id=None,
        label=ERASED,
        revoked_at=func.coalesce(EventInvitation.revoked_at, work.now),
    )


async def _grants(work: Work, whose: Whose) -> None:
    theirs = or_(EventGrant.user_id.in_(whose.user_ids), EventGrant.integration_id.in_(whose.channel_ids))
    await work.session.execute(delete(EventGrant).where(theirs))


async def _organizers(work: Work, whose: Whose) -> None:
    await work.session.execute(delete(EventOrganizer).where(EventOrganizer.user_id.in_(whose.user_ids)))


async def _updates(work: Work, whose: Whose) -> None:
    await _set(work, EventUpdate, EventUpdate.created_by.in_(whose.user_ids), created_by=None)


async def _events(work: Work, whose: Whose) -> None:
    """Past and cancelled ones stay for those who followed; the contact is somebody's own."""
    await _set(work, Event, Event.owner_user_id.in_(whose.user_ids), contact="")


async def _tokens(work: Work, whose: Whose) -> None:
    theirs = or_(Token.user_id.in_(whose.user_ids), Token.subject.in_(whose.destinations))
    await work.session.execute(delete(Token).where(theirs))


async def _installations(work: Work, whose: Whose) -> None:
    """A workspace keeps the app that they put there. By whom is forgotten, while the identities still tell."""
    await _set(work, ChatInstallation, whose.put_there, external_id=None)


async def _identities(work: Work, whose: Whose) -> None:
    """After the channels, which may still name them. Who presses in chat again is somebody new."""
    await work.session.execute(delete(Identity).where(Identity.user_id.in_(whose.user_ids)))


async def _drafts(work: Work, whose: Whose) -> None:
    await work.session.execute(delete(Draft).where(Draft.user_id.in_(whose.user_ids)))


async def _sessions(work: Work, whose: Whose) -> None:
    await work.session.execute(delete(Session).where(Session.user_id.in_(whose.user_ids)))


async def _requests(work: Work, whose: Whose) -> None:
    for user_id in whose.user_ids:
        await work.session.execute(delete(StoredRequest).where(StoredRequest.scope.like(f"{user_id}:%")))


async def _channels(work: Work, whose: Whose) -> None:
    """Without URL, name and hash. Whom an organizer removed by this end point does not come back by erasing: there the
    hash stays, for as long as the removal counts."""
    removed = exists().where(Subscription.integration_id == Integration.id, Subscription.ended_by == "removed")
    await _set(
        work,
        Integration,
        Integration.id.in_(whose.channel_ids),
        apprise_url=work.keys.seal(""),
        destination=case((removed, Integration.destination), else_=_unlike_any(Integration.id)),
        name=ERASED,
        label=ERASED,
        tag=literal(f"{ERASED}-") + cast(Integration.id, String),
        is_active=False,
        confirmed_at=None,
        confirm_requested_at=None,
        failures=0,
        disabled_reason=None,
        last_error=None,
        removed_at=func.coalesce(Integration.removed_at, work.now),
        identity_id=None,
        erased_at=work.now,
    )


async def _users(work: Work, whose: Whose) -> None:
    await _set(
        work,
        User,
        User.id.in_(whose.user_ids),
        email=None,
        is_verified=False,
        email_verified_at=None,
        display_name=NOBODY_ANY_MORE,
        timezone=None,
        password_hash=None,
        is_operator=False,
        erased_at=work.now,
    )


async def _cards(work: Work, whose: Whose) -> None:
    """In chat the cards of past events say by whom they were: they are written anew."""
    announced = (
        select(EventAnnouncement.event_id)
        .join(Event, Event.id == EventAnnouncement.event_id)
        .where(Event.owner_user_id.in_(whose.user_ids), EventAnnouncement.gone_at.is_(None))
        .distinct()
    )
    for event_id in (await work.session.scalars(announced)).all():
        work.ring(EVENT_UPDATED, event_id, event_id=event_id)


STEPS: dict[str, Callable[[Work, Whose], Awaitable[None]]] = {
    "subscriptions": _subscriptions,
    "notifications": _notifications,
    "deliveries": _deliveries,
    "event_invitations": _invitations,
    "event_grants": _grants,
    "event_organizers": _organizers,
    "event_updates": _updates,
    "events": _events,
    "event_announcements": _cards,
    "tokens": _tokens,
    "drafts": _drafts,
    "sessions": _sessions,
    "requests": _requests,
    "integrations": _channels,
    "chat_installations": _installations,
    "identities": _identities,
    "users": _users,
}
"""What is done to each table that says something of a person, in this order."""
KEPT = {
    "audit_log": "numbers of rows that name nobody any more, until their retention ends",
    "outbox": "numbers alone, for a week",
    "suppressed_addresses": "a keyed hash, because its person said: never write to me again",
}
"""Tables that keep what they have, and why."""


async def _suppress(work: Work, whose: Whose) -> None:
    for destination in whose.destinations:
        if await work.session.get(SuppressedAddress, destination) is None:
            work.session.add(SuppressedAddress(destination=destination, created_at=work.now))


def _unlike_any(number: InstrumentedAttribute[int]) -> ColumnElement[str]:
    """In the place of a keyed hash: no destination has it."""
    return literal(f"{ERASED}:") + cast(number, String)


async def _set(work: Work, table: type[Any], which: ColumnElement[bool], **values: Any) -> int:
    done = await work.session.execute(
        update(table).where(which).values(**values).execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
