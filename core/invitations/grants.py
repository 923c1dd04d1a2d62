"""What lets somebody see a private event, and what ends with it: subscriptions and what still waits for them."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, case, exists, insert, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.contracts import PARTICIPANT_REMOVED
from core.db.models import Delivery, Event, EventGrant, EventInvitation, Integration, Subscription
from core.events.access import follower_may_see
from core.subscriptions.person import same_people
from core.subscriptions.undo import ending
from core.work import Work

_ENDED = "access_ended"


async def keep_followers(work: Work, event: Event) -> None:
    """The event goes private: those who follow it now may go on."""
    account = EventGrant.user_id == Subscription.user_id
    address = and_(Subscription.user_id.is_(None), EventGrant.integration_id == Subscription.integration_id)
    let_in = exists().where(EventGrant.event_id == event.id, EventGrant.revoked_at.is_(None), or_(account, address))
    people = (
        select(
            literal(work.now, type_=EventGrant.created_at.type),
            literal(event.id),
            Subscription.user_id,
            case((Subscription.user_id.is_(None), Subscription.integration_id)),
            literal(True),
        )
        .distinct()
        .where(Subscription.event_id == event.id, Subscription.state.in_(("active", "paused")), ~let_in)
    )
    insert_missing = sqlite.insert if work.core.db.sqlite else postgresql.insert
    columns = ["created_at", "event_id", "user_id", "integration_id", "while_following"]
    await work.session.execute(insert_missing(EventGrant).from_select(columns, people))


async def has_grants(work: Work, event_id: int) -> bool:
    """Whether anybody is let in by one."""
    living = select(EventGrant.id).where(EventGrant.event_id == event_id, EventGrant.revoked_at.is_(None))
    return await work.session.scalar(living.limit(1)) is not None


async def revoke_people(work: Work, event_id: int, people: Iterable[tuple[str, int | None]]) -> None:
    """Take back what let these people in, each an end point and an account or None, on whichever channel and by
    whichever invitation."""
    theirs = same_people(people)
    await work.session.execute(
        update(EventGrant)
        .where(
            EventGrant.event_id == event_id,
            EventGrant.revoked_at.is_(None),
            or_(
                EventGrant.integration_id.in_(select(Integration.id).where(theirs)),
                EventGrant.user_id.in_(select(Integration.user_id).where(theirs, Integration.user_id.is_not(None))),
            ),
        )
        .values(revoked_at=work.now)
        .execution_options(synchronize_session=False)
    )


async def let_in(work: Work, event_id: int, people: Iterable[tuple[int | None, int]]) -> None:
    """Open the event for good to these people, each an account or None, and a channel: by one grant for each account
    and for each address without one, however many channels they have."""
    wanted = {(user_id, channel_id if user_id is None else None) for user_id, channel_id in people}
    kept = await work.session.execute(
        update(EventGrant)
        .where(
            EventGrant.event_id == event_id,
            EventGrant.revoked_at.is_(None),
            or_(
                EventGrant.user_id.in_([user_id for user_id, _ in wanted if user_id is not None]),
                EventGrant.integration_id.in_([channel_id for _, channel_id in wanted if channel_id is not None]),
            ),
        )
        .values(while_following=False)
        .returning(EventGrant.user_id, EventGrant.integration_id)
        .execution_options(synchronize_session=False)
    )
    new = [
        {"event_id": event_id, "user_id": user_id, "integration_id": channel_id, "created_at": work.now}
        for user_id, channel_id in wanted - {(row.user_id, row.integration_id) for row in kept}
    ]
    if new:
        await work.session.execute(insert(EventGrant), new)


async def forgive(work: Work, event_id: int, *people: tuple[str, int | None]) -> None:
    """Whom the organizer removed may subscribe again, on any channel. `people`: each an end point and an account or
    None."""
    await work.session.execute(
        update(Subscription)
        .where(
            Subscription.event_id == event_id,
            Subscription.integration_id.in_(select(Integration.id).where(same_people(people))),
            Subscription.ended_by == "removed",
        )
        .values(ended_by="let_back")
        .execution_options(synchronize_session=False)
    )


async def end_access(work: Work, event_id: int, reason: str, *among: ColumnElement[bool]) -> int:
    """End what is followed by those who may not see the event (any more), and skip what waits for them: `reason`
    stands in the report. `among`: which subscriptions can be concerned. How many subscriptions."""
    await work.session.flush()
    invited = exists().where(EventInvitation.id == Subscription.invitation_id, EventInvitation.revoked_at.is_(None))
    admitted = or_(follower_may_see(), and_(Subscription.state == "unconfirmed", invited))
    lost = (
        select(Subscription.id)
        .join(Event, Event.id == Subscription.event_id)
        .where(Event.id == event_id, Subscription.state.in_(("active", "paused", "unconfirmed")), ~admitted, *among)
    )
    ids = list(await work.session.scalars(lost))
    if not ids:
        return 0
    await work.session.execute(
        update(Subscription)
        .where(Subscription.id.in_(ids))
        .values(ending(_ENDED, work.now))
        .execution_options(synchronize_session=False)
    )
    await skip_waiting(work, Delivery.subscription_id.in_(ids), reason)
    work.ring(PARTICIPANT_REMOVED, ids[0], event_id=event_id)
    return len(ids)


async def skip_waiting(work: Work, which: ColumnElement[bool], reason: str) -> None:
    """What has not left yet never does; what is being sent this moment is recorded as what it becomes."""
    await work.session.execute(
        update(Delivery)
        .where(which, Delivery.status.in_(("queued", "pending")))
        .values(status="skipped", code="no_access", reason=reason)
        .execution_options(synchronize_session=False)
    )
