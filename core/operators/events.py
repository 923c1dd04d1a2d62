"""What an operator does to one event: look, call it off, put people out of it and let them back."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, false, func, or_, select

from core.db.models import Event, Integration, Subscription, User
from core.delivery.addresses import mail_channel
from core.errors import SoonishError, invalid, not_found
from core.events.changes import call_off
from core.events.model import Cancellation, EventView
from core.ids import LARGEST_ID, RowId
from core.operators.access import require_operator
from core.pages import Page, PageRequest, cut, position
from core.subscriptions.leave import let_in_again, put_out
from core.subscriptions.person import gathered
from core.text import mask_address
from core.work import Work

AT_ONCE = 200
"""People in one transaction."""
_LONGEST_ADDRESS = 400
_NUMBER = re.compile(r"[0-9]{1,19}")


class OperatedEvent(BaseModel):
    id: str
    name: str
    host: str
    start_date: dt.datetime
    timezone: str
    status: str
    is_public: bool
    following: int
    removed: int


class Participant(BaseModel):
    """Somebody who follows or was removed, as organizers see them."""

    subscription_id: int
    label: str
    kind: str
    state: str
    removed: bool


class People(BaseModel):
    """Whom an act is about: subscriptions by number, and addresses as somebody pasted them."""

    model_config = ConfigDict(extra="forbid")

    subscription_ids: Annotated[list[RowId], Field(max_length=AT_ONCE)] = []
    addresses: Annotated[list[Annotated[str, Field(max_length=_LONGEST_ADDRESS)]], Field(max_length=AT_ONCE)] = []


class Affected(BaseModel):
    """How many people it was about, however many channels each has, and the entries (addresses masked) that named
    nobody here."""

    people: int
    out_already: int = 0
    """How many more had left, or were removed before, and cannot come back by themselves now."""
    unknown: list[str]


def read_people(pasted: str, numbers: Sequence[str] = ()) -> People:
    """People from a pasted list, one a line or between commas: numbers of subscriptions and addresses. Raises
    SoonishError (INVALID)."""
    entries = list(dict.fromkeys([*numbers, *re.split(r"[\s,;]+", pasted.strip())]))
    if len(entries) > AT_ONCE:
        raise invalid(f"At most {AT_ONCE} people at once.", hint="Do it in several goes.")
    chosen = [int(each) for each in entries if _NUMBER.fullmatch(each)]
    addresses = [each for each in entries if each and not _NUMBER.fullmatch(each)]
    if not chosen and not addresses:
        raise invalid("Name at least one person.", hint="An address or the number of a subscription on each line.")
    if max(map(len, addresses), default=0) > _LONGEST_ADDRESS or max(chosen, default=1) > LARGEST_ID:
        raise invalid("One of these is neither an address nor a number.", hint="One on each line.")
    return People(subscription_ids=[each for each in chosen if each], addresses=addresses)


async def look_at_event(work: Work, public_id: str) -> OperatedEvent:
    await require_operator(work)
    event = await _event(work, public_id)
    counted = await work.session.execute(
        select(
            func.count().filter(Subscription.state.in_(("active", "paused"))),
            func.count().filter(Subscription.ended_by == "removed"),
        ).where(Subscription.event_id == event.id)
    )
    following, removed = counted.one()
    host = await work.session.scalar(select(User.display_name).where(User.id == event.owner_user_id))
    return OperatedEvent(
        id=event.public_id,
        name=event.name,
        host=host or "",
        start_date=event.start_date,
        timezone=event.timezone,
        status=event.status,
        is_public=event.is_public,
        following=following,
        removed=removed,
    )


async def participants(work: Work, public_id: str, page: PageRequest) -> Page[Participant]:
    """Who follows, and who was removed, newest first; addresses masked."""
    await require_operator(work)
    event = await _event(work, public_id)
    removed = Subscription.ended_by == "removed"
    query = (
        select(
            Subscription.id.label("subscription_id"), Subscription.state, Integration.label, Integration.kind,
            func.coalesce(removed, false()).label("removed"),
        )
        .join(Integration, Integration.id == Subscription.integration_id)
        .where(Subscription.event_id == event.id, or_(Subscription.state.in_(("active", "paused")), removed))
    )  # fmt: skip
    if page.cursor:
        query = query.where(Subscription.id < position(page.cursor))
    rows = (await work.session.execute(query.order_by(Subscription.id.desc()).limit(page.limit + 1))).mappings()
    return cut([(row["subscription_id"], Participant.model_validate(dict(row))) for row in rows], page)


async def force_cancel(work: Work, public_id: str, cancellation: Cancellation) -> EventView:
    """Cancel somebody's event for good; everybody who follows is told, as if its organizer had done it. Twice is
    harmless."""
    await require_operator(work, to_change=True)
    event = await _event(work, public_id, to_change=True)
    return await call_off(work, event, cancellation)


async def remove_people(work: Work, public_id: str, people: People) -> Affected:
    """Put people out of an event, silently, as its organizer may one by one. Who is out already stays out."""
    await require_operator(work, to_change=True)
    event = await _event(work, public_id, to_change=True)
    rows, unknown = await _named(work, event, people)
    who = await _people(work, rows)
    removed = {person for person, (row, _) in zip(who, rows, strict=True) if row.state != "ended"}
    await put_out(work, event.id, rows, "Removed from the event.")
    work.detail = {"people": len(removed), "out_already": len(set(who) - removed)}
    return Affected(people=len(removed), out_already=len(set(who) - removed), unknown=unknown)


async def let_people_back(work: Work, public_id: str, people: People) -> Affected:
    """They may subscribe again. Nothing is sent, and nobody follows by it."""
    await require_operator(work, to_change=True)
    event = await _event(work, public_id, to_change=True)
    rows, unknown = await _named(work, event, people, Subscription.ended_by == "removed")
    number = len(set(await _people(work, rows)))
    await let_in_again(work, event, rows)
    work.detail = {"people": number}
    return Affected(people=number, unknown=unknown)


async def _people(work: Work, rows: Sequence[tuple[Subscription, Integration]]) -> list[int]:
    return await gathered(work, [(channel.destination, row.user_id) for row, channel in rows])


async def _event(work: Work, public_id: str, *, to_change: bool = False) -> Event:
    query = select(Event).where(Event.public_id == public_id)
    event = await work.session.scalar(query.with_for_update(key_share=True) if to_change else query)
    if event is None:
        raise not_found("event")
    work.subject = f"event:{event.id}"
    return event


async def _named(
    work: Work, event: Event, people: People, *conditions: ColumnElement[bool]
) -> tuple[list[tuple[Subscription, Integration]], list[str]]:
    """The subscriptions that the entries name, and the entries that name none."""
    hashes = {address: _destination(work, address) for address in people.addresses}
    ends = list(filter(None, hashes.values()))
    owners = select(Integration.user_id).where(Integration.destination.in_(ends), Integration.user_id.is_not(None))
    who = or_(
        Subscription.id.in_(people.subscription_ids),
        Integration.destination.in_(ends),
        # Who is named by an address is meant on all their channels.
        Subscription.user_id.in_(owners),
    )
    found = await work.session.execute(
        select(Subscription, Integration)
        .join(Integration, Integration.id == Subscription.integration_id)
        .where(Subscription.event_id == event.id, who, *conditions)
        .order_by(Subscription.id)
        .with_for_update(key_share=True, of=Subscription)
    )
    rows = [(row, channel) for row, channel in found.all()]
    numbers, reached = {row.id for row, _ in rows}, {channel.destination for _, channel in rows}
    unknown = [str(number) for number in people.subscription_ids if number not in numbers]
    return rows, unknown + [mask_address(each) for each, end in hashes.items() if end not in reached]


def _destination(work: Work, address: str) -> str | None:
    try:
        return work.keys.digest("destination", mail_channel(address).destination)
    except SoonishError:
        return None
