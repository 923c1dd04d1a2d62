"""Taking an unsubscribe back, for a day: what comes back, what does not, and why."""

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, null, select

from core.contracts import PARTICIPANT_ADDED
from core.db.models import Event, Integration, Subscription, SuppressedAddress
from core.events.access import follower_may_return, hold_events
from core.subscriptions.model import StillOut, Undone, WhyOut
from core.subscriptions.person import removed_person
from core.tokens import UNDO_LIFETIME, UndoToken, read_undo, undo_token
from core.work import Work

_WORDS: dict[WhyOut, str] = {
    "removed": "The organizer removed you since. Ask them.",
    "channel_removed": "The channel that it came by was removed since.",
    "private": "It is private now. Ask the organizer for an invitation.",
    "ended": "That has ended since. To hear about it again, subscribe again.",
    "suppressed": "You asked that nothing is sent to this address any more.",
}
_HAD_LEFT = and_(
    Subscription.ended_by.is_not_distinct_from("unsubscribed"), Subscription.state.in_(("ended", "unconfirmed"))
)
"""Anybody may ask whether an address that has left would follow again; until it says yes, it has left."""


def _obstacle() -> ColumnElement[WhyOut | None]:
    """What keeps somebody who left from coming back by an undo; NULL: nothing does."""
    found: ColumnElement[WhyOut | None] = case(
        (removed_person(Subscription.event_id, Integration.destination, Integration.user_id), "removed"),
        (Integration.removed_at.is_not(None), "channel_removed"),
        (~follower_may_return(), "private"),
        else_=null(),
    )
    return found


def restorable() -> Select[Subscription]:
    """What an undo may bring back: not what a removed channel followed, nor those whom the organizer removed."""
    return (
        select(Subscription)
        .join(Integration, Integration.id == Subscription.integration_id)
        .join(Event, Event.id == Subscription.event_id)
        .where(_HAD_LEFT, _obstacle().is_(None))
    )


def ending(why: str, at: dt.datetime, act: str | None = None) -> dict[str, Any]:
    """Values with which subscriptions end. Whoever had left, and was only asked again since, has left as before: that
    undo is still good. `act`: the unsubscribe, if it is one."""
    new = {"state_before": Subscription.state, "ended_at": at, "ended_by": why}
    if why == "unsubscribed":
        new["ended_act"] = act
    if why != "removed":
        asked = and_(Subscription.state == "unconfirmed", _HAD_LEFT)
        new = {name: case((asked, getattr(Subscription, name)), else_=value) for name, value in new.items()}
    return {"state": "ended", **new}


def undo_of(work: Work, act: str) -> str:
    """The token that takes this unsubscribe, made now, back."""
    return undo_token(work.keys, UndoToken(act, int((work.now + UNDO_LIFETIME).timestamp())))


async def way_back(
    work: Work, event_id: int, mine: ColumnElement[bool], suppressed: SuppressedAddress | None
) -> str | None:
    """Undo of the unsubscribe by which this person is out, while it would still bring something back. An address that
    is never written to comes back by undoing just that."""
    if suppressed is not None:
        act, at = suppressed.act, suppressed.created_at
    else:
        row = await work.session.scalar(
            restorable()
            .where(mine, Subscription.event_id == event_id, Subscription.ended_act.is_not(None))
            .order_by(Subscription.ended_at.desc())
            .limit(1)
        )
        if row is None or row.ended_act is None or row.ended_at is None:
            return None
        act, at = row.ended_act, row.ended_at
    expires = at + UNDO_LIFETIME
    return undo_token(work.keys, UndoToken(act, int(expires.timestamp()))) if act and expires > work.now else None


async def undo_unsubscribe(work: Work, token: str) -> Undone:
    """Restore exactly the rows that this unsubscribe ended, but for events whose organizer removed this person since,
    and say what became of each. Twice is once."""
    act = read_undo(work.keys, token, work.now).act
    work.subject = f"act:{act}"
    suppressed = await work.session.scalar(select(SuppressedAddress).where(SuppressedAddress.act == act))
    if suppressed is not None:
        await work.session.delete(suppressed)
        await work.session.flush()
    await hold_events(work, select(Subscription.event_id).where(Subscription.ended_act == act))
    found = (
        await work.session.execute(
            select(
                Subscription,
                Event,
                _obstacle().label("obstacle"),
                _HAD_LEFT.label("left"),
                follower_may_return().label("knows"),
                SuppressedAddress.destination.is_not(None).label("suppressed"),
            )
            .join(Integration, Integration.id == Subscription.integration_id)
            .join(Event, Event.id == Subscription.event_id)
            .outerjoin(SuppressedAddress, SuppressedAddress.destination == Integration.destination)
            .where(Subscription.ended_act == act)
            .order_by(Subscription.id)
            .with_for_update(key_share=True, of=Subscription)
        )
    ).all()
    done = Undone(lifted=suppressed is not None)
    restored: dict[int, int] = {}
    for row, event, obstacle, left, knows, silent in found:
        if left and obstacle is None:
            # `ended_act` stays: whoever presses once more is told that they are back.
            row.state, row.ended_at, row.ended_by, row.state_before = row.state_before or "active", None, None, None
            restored[row.event_id] = row.id
            done.restored += 1
        why: WhyOut | None = obstacle or "ended" if row.state in ("ended", "unconfirmed") and row.ended_by else None
        if why is None and silent:
            why = "suppressed"
        if why is not None:
            out = StillOut(event_name=event_name(event, knows=bool(knows)), why=why, words=_WORDS[why])
            done.still_out += [] if out in done.still_out else [out]
        elif row.state == "active":
            done.active += 1
    for event_id, subscription_id in restored.items():
        work.ring(PARTICIPANT_ADDED, subscription_id, event_id=event_id)
    work.detail = {"restored": done.restored}
    return done


def event_name(event: Event, *, knows: bool) -> str:
    """An old link says nothing new about an event that its holder may not see any more."""
    return event.name if event.is_public or knows else "a private event"
