"""Leaving: by the link in a message, as the subscriber, or removed by the organizer. One press."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence

from sqlalchemy import ColumnElement, Row, Select, case, func, select, update

from core.contracts import PARTICIPANT_REMOVED
from core.db.models import Event, Integration, Subscription, SuppressedAddress, User
from core.delivery.addresses import MAIL
from core.errors import conflict, invalid, not_found
from core.events.access import follower_may_return, managed_event, may_see, visible_event
from core.invitations.grants import end_access, forgive, has_grants, let_in, revoke_people
from core.subscriptions.allowance import allow_anew, ended_a_yes
from core.subscriptions.model import Leaving, Left, Scope, StateChange, SubscriptionView, Unsubscribed
from core.subscriptions.person import same_people
from core.subscriptions.undo import ending, event_name, undo_of, way_back
from core.subscriptions.views import listed, view_of
from core.tokens import UnsubscribeToken, read_unsubscribe
from core.work import Actor, Core, Work

AT_ONCE = 200
"""People whom one transaction removes or lets back at most, so that nobody waits long for the next one."""
_Rows = Sequence[Row[Subscription, Integration]]
_Pairs = _Rows | Sequence[tuple[Subscription, Integration]]
_OfChosen = Callable[[Work, str, Sequence[int]], Awaitable[int]]
_OfFound = Callable[[Work, str, str, int], Awaitable[int]]
_LIVE = ("active", "paused", "unconfirmed")
_asked_at = case((Integration.kind == MAIL, Integration.destination)).label("asked_at")
"""Where strangers can have somebody asked: an address."""


async def look_at_leaving(work: Work, token: str) -> Leaving:
    """What an unsubscribe link is about. Changes nothing."""
    named = read_unsubscribe(work.keys, token)
    integration = await _integration(work, named)
    event = await work.session.get(Event, named.event_id) if named.event_id else None
    mine = Integration.destination == integration.destination
    count = 0
    if event is not None:
        count = await work.session.scalar(_live(mine, Event.owner_user_id == event.owner_user_id)) or 0
    host = await work.session.get(User, event.owner_user_id) if event else None
    found = (
        await work.session.execute(
            select(Subscription, follower_may_return())
            .join(Event, Event.id == Subscription.event_id)
            .where(Subscription.event_id == named.event_id, Subscription.integration_id == integration.id)
        )
    ).one_or_none()
    row, knows = found or (None, False)
    still = select(Subscription.id).where(
        Subscription.event_id == named.event_id,
        Subscription.integration_id.in_(select(Integration.id).where(mine)),
        Subscription.state.in_(_LIVE),
    )
    active = await work.session.scalar(still.limit(1)) is not None
    suppressed = None if active else await work.session.get(SuppressedAddress, integration.destination)
    out = not active if event is not None else suppressed is not None
    return Leaving(
        event_name=event_name(event, knows=bool(knows)) if event else None,
        event_id=event.public_id if event and event.is_public else None,
        label=integration.label,
        host=host.display_name if host else None,
        events_of_host=count,
        since=row.requested_at if row else None,
        out=out,
        suppressed=suppressed is not None,
        undo=await way_back(work, named.event_id, mine, suppressed) if out else None,
    )


async def unsubscribe(work: Work, token: str, scope: Scope = "event") -> Unsubscribed:
    """End what the token and the scope name, wherever it reaches the same end point. 200 even when already gone."""
    named = read_unsubscribe(work.keys, token)
    integration = await _integration(work, named)
    work.subject, work.detail = f"integration:{integration.id}", {"scope": scope, "event": named.event_id}
    conditions = [Integration.destination == integration.destination]
    if not named.event_id:
        scope = "everything"  # a link about no event: there is nothing else that it could end
    if scope == "event":
        conditions.append(Subscription.event_id == named.event_id)
    elif scope == "organizer":
        owner = select(Event.owner_user_id).where(Event.id == named.event_id).scalar_subquery()
        conditions.append(Event.owner_user_id == owner)
    act = secrets.token_hex(16)
    ended, by_this = await _end(work, conditions, "unsubscribed", act)
    suppressed = scope == "everything" and await _suppress(work, integration.destination, act)
    return Unsubscribed(ended=ended, undo=undo_of(work, act) if by_this or suppressed else None)


async def end_mine(work: Work, subscription_id: int) -> Unsubscribed:
    """The subscriber leaves, in the API or in chat."""
    await _mine(work, subscription_id, to_change=True)
    act = secrets.token_hex(16)
    ended, by_this = await _end(work, [Subscription.id == subscription_id], "unsubscribed", act)
    return Unsubscribed(ended=ended, undo=undo_of(work, act) if by_this else None)


async def leave_event(work: Work, public_id: str) -> Left:
    """The subscriber leaves an event on every channel of theirs; twice is harmless, and so is one that went private."""
    user_id = work.actor.require_user()
    event = await work.session.scalar(select(Event).where(Event.public_id == public_id))
    mine = [] if event is None else [Subscription.event_id == event.id, Subscription.user_id == user_id]
    if event is None or await work.session.scalar(select(Subscription.id).where(*mine).limit(1)) is None:
        event = await visible_event(work, public_id)
        mine = [Subscription.event_id == event.id, Subscription.user_id == user_id]
    work.subject = f"event:{event.id}"
    act = secrets.token_hex(16)
    ended, by_this = await _end(work, mine, "unsubscribed", act)
    return Left(event_name=event.name, ended=ended, undo=undo_of(work, act) if by_this else None)


async def change_mine(work: Work, subscription_id: int, change: StateChange) -> SubscriptionView:
    """Pause or resume one's own subscription."""
    row, integration, event = await _mine(work, subscription_id, to_change=True)
    if row.state not in ("active", "paused"):
        raise conflict("This subscription has ended.", hint="Subscribe again.")
    row.state = change.state
    return view_of(row, integration, event, own=True)


async def remove_subscriber(work: Work, public_id: str, subscription_id: int) -> None:
    """The organizer removes somebody: silently, and only the organizer lets them back."""
    row = await _of_event(work, public_id, subscription_id)
    channel = await work.session.get_one(Integration, row.integration_id)
    await put_out(work, row.event_id, [(row, channel)], "The organizer removed them.")


async def remove_subscribers(work: Work, public_id: str, chosen: Sequence[int]) -> int:
    """As `remove_subscriber`, AT_ONCE at most. How many of the chosen follow, or followed, this event."""
    event, rows = await _chosen(work, public_id, chosen)
    return await _put_out_all(work, event, rows)


async def let_back_subscribers(work: Work, public_id: str, chosen: Sequence[int]) -> int:
    """As `let_back`, AT_ONCE at most, without those who are not removed (any more). How many."""
    event, rows = await _chosen(work, public_id, chosen, Subscription.ended_by == "removed")
    return await _let_back_all(work, event, rows)


async def in_steps(core: Core, actor: Actor, step: _OfChosen, public_id: str, chosen: Sequence[int]) -> int:
    """`remove_subscribers` or `let_back_subscribers` for any number of them, in transactions of AT_ONCE. How many."""
    ids = sorted(set(chosen))
    return sum([await core.act(actor, step, public_id, ids[at : at + AT_ONCE]) for at in range(0, len(ids), AT_ONCE)])


async def all_found(core: Core, actor: Actor, step: _OfFound, public_id: str, matching: str, newest: int) -> int:
    """`remove_found` or `let_back_found` until nobody is left. How many."""
    done = [AT_ONCE]
    while done[-1] == AT_ONCE:
        done.append(await core.act(actor, step, public_id, matching, newest))
    return sum(done[1:])


async def remove_found(work: Work, public_id: str, matching: str, newest: int) -> int:
    """The next of those whom a list of followers has, up to its `newest`: AT_ONCE, or all that are left. How many."""
    event, rows = await _found(work, public_id, matching, newest, removed=False)
    return await _put_out_all(work, event, rows)


async def let_back_found(work: Work, public_id: str, matching: str, newest: int) -> int:
    """As `remove_found`, of those who were removed: `let_back` for each."""
    event, rows = await _found(work, public_id, matching, newest, removed=True)
    return await _let_back_all(work, event, rows)


async def _chosen(
    work: Work, public_id: str, chosen: Sequence[int], *which: ColumnElement[bool]
) -> tuple[Event, _Rows]:
    if len(chosen) > AT_ONCE:
        raise invalid(f"At most {AT_ONCE} people at once.", hint="Do it in several goes.")
    event = await managed_event(work, public_id, to_change=True)
    return event, (await work.session.execute(_held(event, Subscription.id.in_(chosen), *which))).all()


async def _found(work: Work, public_id: str, matching: str, newest: int, *, removed: bool) -> tuple[Event, _Rows]:
    event = await managed_event(work, public_id, to_change=True)
    theirs = (Subscription.id <= newest, *listed(removed=removed, matching=matching))
    return event, (await work.session.execute(_held(event, *theirs).limit(AT_ONCE))).all()


async def _put_out_all(work: Work, event: Event, rows: _Rows) -> int:
    if rows:
        await put_out(work, event.id, rows, "The organizer removed them.")
    work.detail = {"removed": len(rows)}
    return len(rows)


async def _let_back_all(work: Work, event: Event, rows: _Rows) -> int:
    if rows:
        await let_in_again(work, event, rows)
    work.detail = {"let_back": len(rows)}
    return len(rows)


def _held(event: Event, *which: ColumnElement[bool]) -> Select[Subscription, Integration]:
    """Subscriptions of an event with their channels; whoever changes them at the same time is waited for."""
    return (
        select(Subscription, Integration)
        .join(Integration, Integration.id == Subscription.integration_id)
        .where(Subscription.event_id == event.id, *which)
        .order_by(Subscription.id)
        .with_for_update(key_share=True, of=Subscription)
    )


async def put_out(work: Work, event_id: int, rows: _Pairs, why: str) -> None:
    """These are out of the event, on whichever channel and by whichever invitation."""
    live = [row.id for row, _ in rows if row.state != "ended"]
    for row, _ in rows:
        if row.state == "ended":
            # Gone already: what was decided is that they stay so.
            row.ended_by = "removed"
    if live:
        await end_rows(work, [Subscription.id.in_(live)], "removed", None)
    people = {(channel.destination, row.user_id) for row, channel in rows}
    if await has_grants(work, event_id):  # what each of them came in by; a public event mostly has none
        await revoke_people(work, event_id, people)
    theirs = Subscription.integration_id.in_(select(Integration.id).where(same_people(people)))
    follow = select(Subscription.id).where(Subscription.event_id == event_id, Subscription.state.in_(_LIVE), theirs)
    if others := list(await work.session.scalars(follow)):  # on channels that were not named
        await end_access(work, event_id, why, Subscription.id.in_(others))


async def let_back(work: Work, public_id: str, subscription_id: int) -> None:
    """The organizer takes a removal back: this person may subscribe again, on any channel. Nothing is sent. Twice is
    harmless."""
    row = await _of_event(work, public_id, subscription_id)
    if row.ended_by not in ("removed", "let_back"):
        raise conflict("Nobody removed this subscriber.", hint="See who was removed.")
    if row.ended_by == "removed":
        channel = await work.session.get_one(Integration, row.integration_id)
        await let_in_again(work, await work.session.get_one(Event, row.event_id), [(row, channel)])


async def let_in_again(work: Work, event: Event, rows: _Pairs) -> None:
    """Who was put out, every one of these, may follow this event again; a private one is open to them."""
    await forgive(work, event.id, *{(channel.destination, channel.user_id) for _, channel in rows})
    await allow_anew(work, [(channel.destination, event.id) for row, channel in rows if ended_a_yes(row.state_before)])
    if not event.is_public:
        await let_in(work, event.id, {(row.user_id, row.integration_id) for row, _ in rows})


async def _of_event(work: Work, public_id: str, subscription_id: int) -> Subscription:
    event = await managed_event(work, public_id, to_change=True)
    row = await work.session.get(Subscription, subscription_id, with_for_update={"key_share": True})
    if row is None or row.event_id != event.id:
        raise not_found("subscription")
    work.detail = {"subscription": subscription_id}
    return row


async def end_channel_subscriptions(work: Work, integration: Integration) -> int:
    """A removed channel follows nothing any more."""
    return await end_rows(work, [Subscription.integration_id == integration.id], "channel_removed", None)


async def end_rows(work: Work, conditions: Collection[ColumnElement[bool]], why: str, act: str | None) -> int:
    """How many. Locked as they are found: one that ends by another press at the same time ended by that one
    (PostgreSQL)."""
    return (await _end(work, conditions, why, act))[0]


async def _end(work: Work, conditions: Collection[ColumnElement[bool]], why: str, act: str | None) -> tuple[int, int]:
    """As `end_rows`; and how many of them by this act: whoever had left before has left by that one."""
    found = (
        await work.session.execute(
            select(Subscription.id, Subscription.event_id, Subscription.state, Subscription.ended_by, _asked_at)
            .join(Integration, Integration.id == Subscription.integration_id)
            .join(Event, Event.id == Subscription.event_id)
            .where(Subscription.state.in_(_LIVE), *conditions)
            .order_by(Subscription.id)
            .with_for_update(key_share=True, of=Subscription)
        )
    ).all()
    if not found:
        return 0, 0
    await work.session.execute(
        update(Subscription).where(Subscription.id.in_([row.id for row in found])).values(ending(why, work.now, act))
    )
    if why == "unsubscribed":
        await allow_anew(
            work, [(row.asked_at, row.event_id) for row in found if row.asked_at and ended_a_yes(row.state)]
        )
    for event_id, subscription_id in {row.event_id: row.id for row in found}.items():
        work.ring(PARTICIPANT_REMOVED, subscription_id, event_id=event_id)
    before = sum(row.state == "unconfirmed" and row.ended_by == "unsubscribed" for row in found)
    return len(found), len(found) - before


async def _suppress(work: Work, destination: str, act: str) -> bool:
    if await work.session.get(SuppressedAddress, destination) is not None:
        return False
    work.session.add(SuppressedAddress(destination=destination, created_at=work.now, act=act))
    return True


async def _integration(work: Work, named: UnsubscribeToken) -> Integration:
    row = await work.session.get(Integration, named.integration_id)
    if row is None or row.erased_at is not None:
        raise not_found("subscription")
    return row


async def _mine(
    work: Work, subscription_id: int, *, to_change: bool = False
) -> tuple[Subscription, Integration, Event]:
    query = (
        select(Subscription, Integration, Event)
        .join(Integration, Integration.id == Subscription.integration_id)
        .join(Event, Event.id == Subscription.event_id)
        .where(
            Subscription.id == subscription_id,
            Subscription.user_id == work.actor.require_user(),
            may_see(work.actor),
        )
    )
    if to_change:
        query = query.with_for_update(key_share=True, of=Subscription)
    found = (await work.session.execute(query)).one_or_none()
    if found is None:
        raise not_found("subscription")
    work.subject = f"subscription:{subscription_id}"
    return found[0], found[1], found[2]


def _live(*conditions: ColumnElement[bool]) -> Select[int]:
    return (
        select(func.count(Subscription.event_id.distinct()))
        .join(Integration, Integration.id == Subscription.integration_id)
        .join(Event, Event.id == Subscription.event_id)
        .where(Subscription.state.in_(_LIVE), *conditions)
    )
