"""Who counts as one person: an account with all its channels, and whoever is reached at the same end point."""

from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, cast

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from core.db.models import Integration, Subscription
from core.work import Work

_Channel = type[Integration]
_EndPoint = str | InstrumentedAttribute[str] | BindParameter[str]
_Account = int | InstrumentedAttribute[int | None] | BindParameter[int] | None
_owner, _own, _channel, _row = aliased(Integration), aliased(Integration), aliased(Integration), aliased(Subscription)
"""Made once: an alias costs more to make than the query to run."""


def same_person(
    destination: _EndPoint,
    user_id: _Account,
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


def same_people(people: Iterable[tuple[str, int | None]]) -> ColumnElement[bool]:
    """As `same_person`, channels of all these people: end points, each with its account or None. One question for any
    number of them, as each answers it in a few steps."""
    found = list(people)
    ends = {destination for destination, _ in found}
    accounts = {user_id for _, user_id in found if user_id is not None}
    owners = select(_owner.user_id).where(
        _owner.destination.in_(ends), _owner.user_id.is_not(None), _owner.confirmed_at.is_not(None)
    )
    own = select(_own.destination).where(or_(_own.user_id.in_(accounts), _own.user_id.in_(owners)))
    return or_(
        Integration.destination.in_(ends),
        Integration.user_id.in_(accounts),
        Integration.user_id.in_(owners),
        Integration.destination.in_(own),
    )


def removed_person(
    event_id: int | InstrumentedAttribute[int] | BindParameter[int],
    destination: _EndPoint,
    user_id: _Account,
) -> ColumnElement[bool]:
    """Whether the organizer removed this person from the event, on whichever channel."""
    theirs = select(_channel.id).where(same_person(destination, user_id, _channel))
    return (
        select(_row.id)
        .where(_row.event_id == event_id, _row.integration_id.in_(theirs), _row.ended_by == "removed")
        .exists()
    )


async def was_removed(work: Work, event_id: int, destination: str, user_id: int | None) -> bool:
    """Whether the organizer removed this person: by this channel, another one of theirs, or the same end point."""
    given = {"event": event_id, "destination": destination, "account": user_id}
    return bool(await work.session.scalar(_was_removed(user_id is None), given))


@cache
def _was_removed(anonymous: bool) -> Select[Any]:
    """Made once: making it costs more than running it."""
    account: BindParameter[int] | None = None if anonymous else bindparam("account")
    return select(removed_person(bindparam("event"), bindparam("destination"), account))


async def gathered(work: Work, pairs: Collection[tuple[str, int | None]]) -> list[int]:
    """Who is who among end points, each with its account or None: a number for each, the same for one person's."""
    ends = {destination for destination, _ in pairs}
    owned = await work.session.execute(
        select(Integration.destination, Integration.user_id).where(
            Integration.destination.in_(ends), Integration.user_id.is_not(None), Integration.confirmed_at.is_not(None)
        )
    )
    first: dict[str | int, str | int] = {}

    def of(one: str | int) -> str | int:
        while (known := first.setdefault(one, one)) != one:
            one = known
        return one

    for destination, user_id in [*pairs, *((row.destination, row.user_id) for row in owned)]:
        if user_id is not None:
            first[of(user_id)] = of(destination)
    numbers: dict[str | int, int] = {}
    return [numbers.setdefault(of(destination), len(numbers)) for destination, _ in pairs]
