"""What the cards of an event say: read in one statement, for the place that each of them is in."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import BindParameter, ColumnElement, ScalarSelect, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from core.cards.model import CALENDAR, Card, CardStatus
from core.db.models import Event, EventInvitation, Subscription, User
from core.notifications.owe import ACTIVE, people
from core.times import effective_end

_Text = str | InstrumentedAttribute[str]
_Instant = dt.datetime | BindParameter[dt.datetime]


def follower_count() -> ScalarSelect[int]:
    return select(people()).select_from(Subscription).where(Subscription.event_id == Event.id, ACTIVE).scalar_subquery()


def place_invited(platform: _Text, tenant_id: _Text, channel_id: _Text, now: dt.datetime) -> ColumnElement[bool]:
    """Whether everybody in that place was invited to the event: only there a private one is shown."""
    return exists().where(
        EventInvitation.event_id == Event.id,
        EventInvitation.kind == "space",
        EventInvitation.platform == platform,
        EventInvitation.tenant_id == tenant_id,
        or_(EventInvitation.external_id == "", EventInvitation.external_id == channel_id),
        EventInvitation.revoked_at.is_(None),
        EventInvitation.expires_at > now,
    )


def card_columns(invited: ColumnElement[bool]) -> Sequence[Any]:
    """For a query over events joined with their owners; `card_of` takes the row."""
    return Event, User.display_name.label("host"), follower_count().label("followers"), invited.label("invited")


def card_of(row: Any, now: dt.datetime, base_url: str, channel_id: str) -> Card:
    """Among a server's events no followers are counted: Discord counts there who is interested."""
    event: Event = row.Event
    if not event.is_public and not row.invited:
        return Card(event_id=event.public_id, closed=True, revision=event.revision)
    return Card(
        event_id=event.public_id,
        name=event.name,
        description=event.description,
        location=event.location,
        host=row.host or "",
        starts=event.start_date,
        ends=event.end_date,
        status=status_of(event, now),
        cancel_reason=event.cancel_reason,
        is_public=event.is_public,
        followers=0 if channel_id == CALENDAR else row.followers,
        page_url=f"{base_url}/e/{event.public_id}",
        revision=event.revision,
    )


def status_of(event: Event, now: dt.datetime) -> CardStatus:
    """An event is over when its time is, whether or not its row says so yet."""
    over = event.status == "scheduled" and effective_end(event.start_date, event.end_date) <= now
    return "ended" if over else cast("CardStatus", event.status)


def over_by(now: _Instant, begun: _Instant) -> ColumnElement[bool]:
    """`effective_end` has passed, in SQL; never NULL. `begun`: when an event without an end that is over by now has
    begun at the latest."""
    return func.coalesce(Event.end_date <= now, Event.start_date <= begun)
