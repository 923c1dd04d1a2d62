"""Subscribing: anybody by e-mail with double opt-in, people with an account by their channels."""

from sqlalchemy import and_, bindparam, or_, select

from core.contracts import PARTICIPANT_ADDED
from core.db.models import Event, Integration, Subscription, SuppressedAddress, User
from core.delivery.addresses import MAIL, Channel, mail_channel
from core.errors import Code, SoonishError, invalid, not_found
from core.events.access import visible_event
from core.events.checks import ASK_FOR_ANOTHER, refuse_when_over
from core.integrations.flush import switch_on
from core.integrations.store import anonymous_channel
from core.limits import HOUR, demand
from core.notifications.owe import default_channel, owe_batched
from core.subscriptions.allowance import allow_anew, may_ask
from core.subscriptions.model import CheckInbox, SubscribeByChannel, SubscribeByEmail, Subscribed
from core.subscriptions.person import was_removed
from core.subscriptions.views import view_of
from core.work import Actor, Core, Work

_BY_CHANNEL = select(Subscription).where(
    Subscription.event_id == bindparam("event"), Subscription.integration_id == bindparam("channel")
)
_THROUGH = (
    select(Subscription, Integration)
    .join(Integration, Integration.id == Subscription.integration_id)
    .where(
        Subscription.event_id == bindparam("event"),
        or_(
            Integration.id == bindparam("channel"),
            and_(
                Subscription.user_id == bindparam("account"),
                Subscription.state == "active",
                Integration.destination == bindparam("destination"),
            ),
        ),
    )
    .order_by(Subscription.id)
)
"""What one channel follows, and what follows at the same end point."""
_MINE = (
    select(Integration)
    .where(Integration.user_id == bindparam("account"), Integration.removed_at.is_(None))
    .order_by(Integration.id)
    .with_for_update(key_share=True)
)


async def ask_by_email(core: Core, actor: Actor, public_id: str, request: SubscribeByEmail) -> CheckInbox:
    """As `subscribe_by_email`, for anybody: what cannot be is refused before everybody's writes wait for it.

    Only what the status says anyway is looked at here, an event and the form of an address. Whether the address is
    known, limited or suppressed stays behind the lock, so that the time taken does not tell either. Who has an
    account is refused behind the lock too: that leaves an audit row.
    """
    if actor.user_id is None:
        await core.ask(actor, _looked_up, public_id, request)
        if request.website:
            return CheckInbox()
    return await core.act(actor, subscribe_by_email, public_id, request)


async def subscribe_by_email(work: Work, public_id: str, request: SubscribeByEmail) -> CheckInbox:
    """Ask the address to confirm. The answer never says whether it is known, limited or suppressed."""
    event, channel = await _askable(work, public_id, request)
    if request.website:
        return CheckInbox()
    if work.actor.ip:
        limit = work.settings.subscribe_per_ip_hour
        await demand(work, "subscribe_ip", work.actor.ip, limit, HOUR)
    await ask_to_confirm(work, event, channel)
    return CheckInbox()


async def ask_to_confirm(work: Work, event: Event, channel: Channel, invitation_id: int | None = None) -> None:
    """One mail, unless the address is suppressed or was asked often enough. Saying yes accepts the invitation."""
    destination = work.keys.digest("destination", channel.destination)
    if await work.session.get(SuppressedAddress, destination) is None and await may_ask(work, channel, event.id):
        await _ask_to_confirm(work, event, channel, invitation_id)


async def join_by_address(work: Work, event: Event, integration: Integration, invitation_id: int) -> None:
    """An address that has proved itself, and been let in, follows the event."""
    row = await row_of(work, event.id, integration.id)
    if row is not None and row.state in ("active", "paused"):
        return
    if row is None:
        row = _new_row(work, event, integration, "active", invitation_id)
    row.state, row.ended_by, row.invitation_id, row.requested_at = "active", None, invitation_id, work.now
    await work.session.flush()
    await switch_on(work, integration)
    await allow_anew(work, [(integration.destination, event.id)])
    await welcome(work, event, integration, row)


async def _looked_up(work: Work, public_id: str, request: SubscribeByEmail) -> None:
    await _askable(work, public_id, request, to_join=False)


async def _askable(
    work: Work, public_id: str, request: SubscribeByEmail, *, to_join: bool = True
) -> tuple[Event, Channel]:
    """The event and the address, if the one can be followed by e-mail and the other is one."""
    event = await visible_event(work, public_id, to_join=to_join)
    refuse_when_over(event, work.now, hint=ASK_FOR_ANOTHER)
    if not event.is_public:
        raise SoonishError(Code.FORBIDDEN, "This event is private: nobody joins it by e-mail.", hint="Use a channel.")
    return event, mail_channel(request.email)


async def _ask_to_confirm(work: Work, event: Event, channel: Channel, invitation_id: int | None) -> None:
    integration, is_new = await anonymous_channel(work, channel)
    if await was_removed(work, event.id, integration.destination, integration.user_id):
        return
    row = None if is_new else await row_of(work, event.id, integration.id)
    if row is None:
        row = _new_row(work, event, integration, "unconfirmed", invitation_id)
        await work.session.flush()
    elif row.state in ("ended", "unconfirmed"):
        row.state, row.requested_at, row.invitation_id = "unconfirmed", work.now, invitation_id
    title = f"Confirm your nudges for {event.name}"
    await owe_batched(work, "confirm", event, title, integration, row.id)
    work.ring(PARTICIPANT_ADDED, row.id, event_id=event.id)


async def subscribe_by_channel(work: Work, public_id: str, request: SubscribeByChannel) -> Subscribed:
    """Follow an event through one's own channels; inactive ones are left out with a warning."""
    user_id = work.actor.require_user()
    event = await visible_event(work, public_id, to_join=True)
    refuse_when_over(event, work.now, hint=ASK_FOR_ANOTHER)
    chosen = await _chosen(work, user_id, request)
    warnings = [f"{c.name} is switched off and was left out." for c in chosen if not c.is_active]
    usable = {c.destination: c for c in reversed(chosen) if c.is_active}
    if not usable:
        raise invalid("None of these channels is switched on.", hint="Switch one on, or add a channel.")
    rows, created = [], False
    for integration in sorted(usable.values(), key=lambda channel: channel.id):
        row, through, is_new = await _follow(work, event, integration)
        rows.append(view_of(row, through, event, own=True))
        created |= is_new
    return Subscribed(subscriptions=rows, warnings=warnings, created=created)


async def _chosen(work: Work, user_id: int, request: SubscribeByChannel) -> list[Integration]:
    """The channels that were named, all of them the actor's own."""
    if request.integration_ids is None and request.tags is None:
        channel = await default_channel(work, user_id, to_join=True)
        if channel is None:
            raise invalid("You have no channel that is switched on.", hint="Add a channel first.")
        return [channel]
    mine = list(await work.session.scalars(_MINE, {"account": user_id}))
    ids, tags = set(request.integration_ids or []), {tag.strip().lower() for tag in request.tags or []}
    if ids - {channel.id for channel in mine}:
        raise not_found("channel")
    unknown = tags - {channel.tag for channel in mine}
    if unknown:
        raise invalid(f"No channel has the tag {', '.join(sorted(unknown))}.", field="tags", hint="See your channels.")
    return [channel for channel in mine if channel.id in ids or channel.tag in tags]


async def _follow(work: Work, event: Event, integration: Integration) -> tuple[Subscription, Integration, bool]:
    """One channel follows the event: a new row, a revived one, or the one there is (the same end point counts once,
    whichever of its channels was named)."""
    given = {
        "event": event.id, "channel": integration.id, "account": work.actor.user_id,
        "destination": integration.destination,
    }  # fmt: skip
    there = (await work.session.execute(_THROUGH, given)).all()
    for row, through in there:
        if row.state == "active":
            return row, through, False
    if await was_removed(work, event.id, integration.destination, integration.user_id):
        raise SoonishError(Code.FORBIDDEN, "The organizer removed you from this event.", hint="Ask them.")
    own = next((row for row, through in there if through.id == integration.id), None)
    row = own or _new_row(work, event, integration, "active")
    row.state, row.ended_by = "active", None
    await _lift_suppression(work, integration)
    await work.session.flush()
    await welcome(work, event, integration, row)
    return row, integration, True


async def _lift_suppression(work: Work, integration: Integration) -> None:
    """Who asks through a channel of their own asks to be written to there again. Not at somebody else's address, which
    may have said yes to this account once: that person alone takes their no back."""
    suppressed = await work.session.get(SuppressedAddress, integration.destination)
    if suppressed is None:
        return
    user = await work.session.get_one(User, work.actor.require_user())
    own = mail_channel(user.email).destination if user.email and user.email_verified_at else ""
    if integration.kind != MAIL or integration.destination == work.keys.digest("destination", own):
        await work.session.delete(suppressed)


async def welcome(work: Work, event: Event, integration: Integration, row: Subscription) -> None:
    await owe_batched(work, "welcome", event, f"You'll hear about {event.name}", integration, row.id)
    work.ring(PARTICIPANT_ADDED, row.id, event_id=event.id)


async def row_of(work: Work, event_id: int, integration_id: int) -> Subscription | None:
    """Of an event and a channel, whatever state it is in."""
    given = {"event": event_id, "channel": integration_id}
    row: Subscription | None = await work.session.scalar(_BY_CHANNEL, given)
    return row


def _new_row(
    work: Work, event: Event, integration: Integration, state: str, invitation_id: int | None = None
) -> Subscription:
    row = Subscription(
        event_id=event.id,
        user_id=integration.user_id,
        integration_id=integration.id,
        state=state,
        invitation_id=invitation_id,
        requested_at=work.now,
        created_at=work.now,
    )
    work.session.add(row)
    return row
