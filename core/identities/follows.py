"""What two accounts followed at the same end point, once they are one: one subscription stays."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import func, select, update

from core.db.models import Delivery, Integration, Subscription
from core.work import Work


async def settle_twice(work: Work, user_id: int) -> int:
    """The older of two subscriptions to one event at one end point stays, with what was last decided about them and
    every delivery of both. How many went."""
    key = (Subscription.event_id, Integration.destination)
    doubled = (
        select(*key)
        .join(Integration, Integration.id == Subscription.integration_id)
        .where(Subscription.user_id == user_id)
        .group_by(*key)
        .having(func.count() > 1)
        .subquery()
    )
    found = await work.session.execute(
        select(Subscription, Integration)
        .join(Integration, Integration.id == Subscription.integration_id)
        .join(
            doubled,
            (doubled.c.event_id == Subscription.event_id) & (doubled.c.destination == Integration.destination),
        )
        .where(Subscription.user_id == user_id)
        .order_by(Subscription.id)
    )
    together: dict[tuple[int, str], list[tuple[Subscription, Integration]]] = defaultdict(list)
    for row, channel in found.all():
        together[row.event_id, channel.destination].append((row, channel))
    went = 0
    for pairs in together.values():
        for younger in pairs[1:]:
            await _into(work, pairs[0], younger)
            went += 1
    return went


async def _into(work: Work, older: tuple[Subscription, Integration], younger: tuple[Subscription, Integration]) -> None:
    (stays, its), (goes, other) = older, younger
    decided = _decided(stays, goes)
    if decided is not stays:
        stays.state, stays.state_before = decided.state, decided.state_before
        stays.ended_at, stays.ended_by, stays.ended_act = decided.ended_at, decided.ended_by, decided.ended_act
        stays.invitation_id = decided.invitation_id
    await work.session.execute(
        update(Delivery).where(Delivery.subscription_id == goes.id).values(subscription_id=stays.id)
    )
    await work.session.delete(goes)
    await work.session.flush()
    if its.removed_at is not None and other.removed_at is None:
        stays.integration_id = other.id
        await work.session.flush()


def _decided(first: Subscription, second: Subscription) -> Subscription:
    """Whose state holds. Removed by the organizer, before everything; having left, unless it was asked for again
    since; paused before active; anything that is followed before what merely ended."""
    pair = (first, second)
    for state in (_removed(pair), _left(pair), _in_state(pair, "paused"), _in_state(pair, "active")):
        if state is not None:
            return state
    return _in_state(pair, "unconfirmed") or first


def _removed(pair: Sequence[Subscription]) -> Subscription | None:
    return next((row for row in pair if row.state == "ended" and row.ended_by == "removed"), None)


def _left(pair: Sequence[Subscription]) -> Subscription | None:
    left = next((row for row in pair if row.state == "ended" and row.ended_by == "unsubscribed"), None)
    if left is None or left.ended_at is None:
        return left
    ended_at = left.ended_at
    again = any(row.state != "ended" and row.requested_at > ended_at for row in pair)
    return None if again else left


def _in_state(pair: Sequence[Subscription], state: str) -> Subscription | None:
    return next((row for row in pair if row.state == state), None)
