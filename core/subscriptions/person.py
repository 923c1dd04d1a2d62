"""Who counts as one person: an account with all its channels, and whoever is reached at the same end point."""

from typing import cast

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from core.db.models import Integration, Subscription

_Channel = type[Integration]
_owner, _own, _channel, _row = aliased(Integration), aliased(Integration), aliased(Integration), aliased(Subscription)
"""Made once: an alias costs more to make than the query to run."""


def same_person(
    destination: str | InstrumentedAttribute[str],
    user_id: int | InstrumentedAttribute[int | None] | None,
    channel: _Channel = Integration,
) -> ColumnElement[bool]:
    """Channels of the person that this end point and account (None: anonymous) belong to.

    An address without an account is the account's whose proved channel it is, and the other way round: who was removed
    on one of them does not come back on another.
    """
    owners = select(_owner.user_id).where(
        _owner.destination == destination, _owner.user_id.is_not(None), _owner.confirmed_at.is_not(None)
    )

    def theirs(account: ColumnElement[int | None]) -> ColumnElement[bool]:
        return account.in_(owners) if user_id is None else or_(account == user_id, account.in_(owners))

    return or_(
        channel.destination == destination,
        theirs(cast("ColumnElement[int | None]", channel.user_id)),
        channel.destination.in_(
            select(_own.destination).where(theirs(cast("ColumnElement[int | None]", _own.user_id)))
        ),
    )


def removed_person(
    event_id: int | InstrumentedAttribute[int],
    destination: str | InstrumentedAttribute[str],
    user_id: int | InstrumentedAttribute[int | None] | None,
) -> ColumnElement[bool]:
    """Whether the organizer removed this person from the event, on whichever channel."""
    theirs = select(_channel.id).where(same_person(destination, user_id, _channel))
    return (
        select(_row.id)
        .where(_row.event_id == event_id, _row.integration_id.in_(theirs), _row.ended_by == "removed")
        .exists()
    )
