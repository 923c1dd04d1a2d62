"""Keeping cards true: which may be stale, what they should say, and what became of an edit.

Nothing is written when an event changes. Every change and every follower rings a bell, in the outbox and in the same
transaction; whoever keeps the cards reads which events were rung, compares, and edits what differs. What was missed the
minute's look over all cards finds, because a row says what its card shows.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from sqlalchemy import and_, func, or_, select, update

from core.cards.content import card_columns, card_of, follower_count, over_by, place_invited
from core.cards.model import CALENDAR, Card
from core.db.models import Event, EventAnnouncement, OutboxRow, User
from core.delivery.bot import NO_ACCESS, NO_CHANNEL, NO_EVENT, NO_MESSAGE
from core.delivery.message import Outcome
from core.delivery.slackbot import CARD_GONE
from core.identities.signed import Platform
from core.times import DEFAULT_LENGTH
from core.work import Work

AT_ONCE = dt.timedelta(seconds=1)
"""Between two edits of one card, whatever changed."""
COUNTING = dt.timedelta(seconds=5)
"""Between two edits that only count anew: a thousand people may press within seconds."""
OLD, COUNTING_OLD = dt.timedelta(hours=1), dt.timedelta(seconds=30)
"""Discord keeps a limit of its own for edits of messages older than an hour (30046)."""
_LEASE = dt.timedelta(seconds=60)
_FIRST_WAIT = dt.timedelta(seconds=5)
_LONGEST_WAIT = dt.timedelta(hours=1)
GONE = frozenset({NO_CHANNEL, NO_MESSAGE, NO_ACCESS, NO_EVENT, "discord_10004", "discord_50005"}) | CARD_GONE
_live = EventAnnouncement.gone_at.is_(None)


@dataclass(frozen=True, slots=True)
class Stale:
    """A card that says something else than it should; `at` is when it may be edited."""

    id: int
    platform: Platform
    tenant_id: str
    channel_id: str
    message_id: str
    shown: str
    attempts: int
    card: Card
    at: dt.datetime


async def last_bell(work: Work) -> int:
    return await work.session.scalar(select(func.max(OutboxRow.id))) or 0


async def rung_since(work: Work, after: int, until: int, platforms: Collection[Platform]) -> list[int]:
    """Cards on those platforms whose events rang after one bell, up to another."""
    rows = await work.session.scalars(
        select(EventAnnouncement.id)
        .join(OutboxRow, OutboxRow.event_id == EventAnnouncement.event_id)
        .where(OutboxRow.id > after, OutboxRow.id <= until, _live, EventAnnouncement.platform.in_(platforms))
        .distinct()
    )
    return list(rows)


async def maybe_stale(work: Work, platforms: Collection[Platform]) -> list[int]:
    """Every card whose row differs from its event. One of a private event is always among them while that is to come:
    invitations of places end by themselves. Of events that are over the followers are not counted again."""
    now, row = work.now, EventAnnouncement
    counts_anew = and_(row.channel_id != CALENDAR, row.shown_followers != follower_count())
    differs = or_(
        row.shown_revision != Event.revision,
        and_(row.shown_status == "scheduled", or_(Event.status != "scheduled", over_by(now, now - DEFAULT_LENGTH))),
        and_(row.shown_status == "scheduled", or_(Event.is_public.is_(False), counts_anew)),
    )
    rows = await work.session.scalars(
        select(row.id)
        .join(Event, Event.id == row.event_id)
        .where(_live, row.platform.in_(platforms), or_(row.retry_at.is_(None), row.retry_at <= now), differs)
    )
    return list(rows)


async def look_at_card(work: Work, announcement_id: int, *, anyway: bool = False) -> Stale | None:
    """None: it says what it should (unless `anyway`), or is gone."""
    row = EventAnnouncement
    invited = place_invited(row.platform, row.tenant_id, row.channel_id, work.now)
    found = (
        await work.session.execute(
            select(row, *card_columns(invited))
            .join(Event, Event.id == row.event_id)
            .outerjoin(User, User.id == Event.owner_user_id)
            .where(row.id == announcement_id, _live)
        )
    ).one_or_none()
    if found is None:
        return None
    mine: EventAnnouncement = found.EventAnnouncement
    card = card_of(found, work.now, work.settings.public_base_url, mine.channel_id)
    if card.says == mine.shown and not anyway:
        return None
    only_counted = (card.revision, card.status) == (mine.shown_revision, mine.shown_status)
    counting = COUNTING if work.now - mine.created_at < OLD else COUNTING_OLD
    at = mine.edited_at + (counting if only_counted else AT_ONCE)
    waits = [at, *(moment for moment in (mine.retry_at, mine.lease_until) if moment is not None)]
    place = (cast("Platform", mine.platform), mine.tenant_id, mine.channel_id)
    return Stale(mine.id, *place, mine.message_id, mine.shown, mine.attempts, card, max(waits))


async def claim_card(work: Work, stale: Stale, owner: str) -> bool:
    """Before it is edited: of several workers one does, and none on top of an edit that it has not seen."""
    claimed = await work.session.execute(
        update(EventAnnouncement)
        .where(
            EventAnnouncement.id == stale.id,
            _live,
            EventAnnouncement.shown == stale.shown,
            or_(EventAnnouncement.lease_until.is_(None), EventAnnouncement.lease_until <= work.now),
        )
        .values(lease_owner=owner, lease_until=work.now + _LEASE)
    )
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


async def record_edit(work: Work, stale: Stale, owner: str, outcome: Outcome) -> None:
    """What became of it. Whoever lost the lease meanwhile records nothing."""
    await work.session.execute(
        update(EventAnnouncement)
        .where(EventAnnouncement.id == stale.id, EventAnnouncement.lease_owner == owner)
        .values(lease_owner=None, lease_until=None, **_became(stale, outcome, work.now))
    )


def _became(stale: Stale, outcome: Outcome, now: dt.datetime) -> dict[str, object]:
    card = stale.card
    if outcome.code in GONE:
        return {"gone_at": now, "last_error": outcome.reason}
    if outcome.delivered or outcome.about_message:
        # What a platform does not take it will not take again: the next change is tried.
        return {
            "shown": card.says,
            "shown_revision": card.revision,
            "shown_followers": card.followers,
            "shown_status": card.status,
            "edited_at": now,
            "attempts": 0,
            "retry_at": None,
            "last_error": outcome.reason or None,
        }
    if outcome.deferred:
        return {"retry_at": now + dt.timedelta(seconds=outcome.retry_after or 0), "last_error": outcome.reason}
    wait = min(_FIRST_WAIT * 2 ** min(stale.attempts, 12), _LONGEST_WAIT)
    return {"attempts": stale.attempts + 1, "retry_at": now + wait, "last_error": outcome.reason}
