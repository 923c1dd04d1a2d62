"""Who counts as one person: an account with all its channels, and whoever is reached at the same end point."""

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from core.db.models import Integration, Subscription

_Channel = type[Integration]


def same_person(
    destination: str | InstrumentedAttribute[str],
    user_id: int | InstrumentedAttribute[int | None] | None,
    channel: _Channel = Integration,
) -> ColumnElement[bool]:
    """Channels of the person that this end point and account (None: anonymous) belong to."""
    same = channel.destination == destination
    return same if user_id is None else or_(same, channel.user_id == user_id)


def removed_person(
    event_id: int | InstrumentedAttribute[int],
    destination: str | InstrumentedAttribute[str],
    user_id: int | InstrumentedAttribute[int | None] | None,
) -> ColumnElement[bool]:
    """Whether the organizer removed this person from the event, on whichever channel."""
    row, channel = aliased(Subscription), aliased(Integration)
    theirs = select(channel.id).where(same_person(destination, user_id, channel))
    return (
        select(row.id)
        .where(row.event_id == event_id, row.integration_id.in_(theirs), row.ended_by == "removed")
        .exists()
    )
