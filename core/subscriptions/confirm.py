"""The second half of double opt-in: a page with a button, and what the button does."""

from sqlalchemy import select

from core.db.models import Event, EventInvitation, Integration, Subscription
from core.errors import Code, SoonishError
from core.events.access import follower_may_see, hold_events
from core.events.checks import ASK_FOR_ANOTHER, refuse_when_over
from core.events.model import guest_view
from core.integrations.flush import switch_on
from core.invitations.accept import admit, is_open
from core.subscriptions.allowance import allow_anew
from core.subscriptions.join import welcome
from core.subscriptions.model import Confirming
from core.times import say
from core.tokens import ConfirmToken, read_confirm
from core.work import Work


def _void() -> SoonishError:
    return SoonishError(
        Code.NOT_FOUND,
        "This link does not work any more.",
        hint="A newer mail has the current one, or subscribe again.",
    )


async def look_at_confirm(work: Work, token: str) -> Confirming:
    """What the link is about. Changes nothing: mail scanners open links."""
    named = read_confirm(work.keys, token, work.now)
    if named.kind == "integration":
        integration = await _integration(work, named)
        return _channel_page(integration)
    row, integration, event = await _subscription(work, named)
    return _subscription_page(row, integration, event)


async def confirm(work: Work, token: str) -> Confirming:
    """The button: the address said yes. Pressing twice is harmless; a link of an ended row does nothing."""
    named = read_confirm(work.keys, token, work.now)
    if named.kind == "integration":
        return await _confirm_channel(work, named)
    row, integration, event = await _subscription(work, named, to_change=True)
    work.subject = f"subscription:{row.id}"
    if row.state == "unconfirmed":
        refuse_when_over(event, work.now, hint=ASK_FOR_ANOTHER)
        await _accept(work, row, event)
        row.state, row.ended_by = "active", None
        await switch_on(work, integration)
        await allow_anew(work, [(integration.destination, event.id)])
        await welcome(work, event, integration, row)
    return _subscription_page(row, integration, event)


async def _accept(work: Work, row: Subscription, event: Event) -> None:
    """The invitation by which the address came is used now; a public event needs none."""
    if row.invitation_id is None:
        return
    invitation = await work.session.get_one(EventInvitation, row.invitation_id)
    if not await admit(work, invitation, address_id=row.integration_id) and not event.is_public:
        raise _void()


async def _confirm_channel(work: Work, named: ConfirmToken) -> Confirming:
    integration = await _integration(work, named)
    work.subject = f"integration:{integration.id}"
    if integration.confirmed_at is None and integration.removed_at is None:
        await switch_on(work, integration)
    return _channel_page(integration)


def _subscription_page(row: Subscription, integration: Integration, event: Event) -> Confirming:
    inside = row.state in ("active", "paused") and row.user_id is None  # an account signs in to see it
    return Confirming(
        what="subscription",
        event_name=event.name,
        event_id=event.public_id if event.is_public else None,  # without an account there is no page to lead to
        when=say(event.start_date, event.timezone),
        label=integration.label,
        state={"unconfirmed": "open", "ended": "ended"}.get(row.state, "done"),
        guest=guest_view(event) if inside and not event.is_public else None,
    )


def _channel_page(integration: Integration) -> Confirming:
    return Confirming(
        what="channel",
        event_name=None,
        event_id=None,
        when=None,
        label=integration.name,
        state="ended" if integration.removed_at else ("done" if integration.confirmed_at else "open"),
    )


async def _subscription(
    work: Work, named: ConfirmToken, *, to_change: bool = False
) -> tuple[Subscription, Integration, Event]:
    if to_change:
        await hold_events(work, select(Subscription.event_id).where(Subscription.id == named.subject_id))
    query = (
        select(Subscription, Integration, Event, EventInvitation, follower_may_see())
        .join(Integration, Integration.id == Subscription.integration_id)
        .join(Event, Event.id == Subscription.event_id)
        .outerjoin(EventInvitation, EventInvitation.id == Subscription.invitation_id)
        .where(Subscription.id == named.subject_id)
    )
    if to_change:
        query = query.with_for_update(key_share=True, of=(Subscription, Integration))
    found = (await work.session.execute(query)).one_or_none()
    if found is None or int(found[0].requested_at.timestamp()) != named.requested_at:
        raise _void()
    row, integration, event, _, sees = found
    invitation: EventInvitation | None = found[3]
    invited = row.state == "unconfirmed" and invitation is not None and is_open(invitation, work.now)
    if not sees and not invited:
        # It became private, or an invitation was taken back, in between: this is a stranger.
        raise _void()
    return row, integration, event


async def _integration(work: Work, named: ConfirmToken) -> Integration:
    row = await work.session.get(Integration, named.subject_id)
    asked = row.confirm_requested_at if row else None
    if row is None or asked is None or int(asked.timestamp()) != named.requested_at:
        raise _void()
    return row
