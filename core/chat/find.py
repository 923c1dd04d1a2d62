"""Which events somebody is offered in chat: what they organize, follow or are let in to, and what was announced where
they are. A public event is for whoever has its link, so chat lists no others: of a server, those whose card stands in a
channel that they may look into, as far as the platform tells."""

import datetime as dt
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, exists, false, func, not_, null, or_, select

from core.cards.content import over_by
from core.cards.model import CALENDAR
from core.db.models import Event, EventAnnouncement, Subscription
from core.db.types import UtcDateTime
from core.events.access import sees_and_manages
from core.events.model import EventView, event_view
from core.invitations.chat import invited_here, pressed
from core.notifications.owe import ACTIVE, people
from core.times import DEFAULT_LENGTH
from core.work import Work

Which = Literal["upcoming", "mine", "told", "here", "following"]
"""`told`: what they organize and may have to speak of, called off or over too."""
Sees = Callable[[str], bool]
"""Whether whoever asks may look into a channel of the place where they are, by its id."""
_LATELY = dt.timedelta(days=30)


async def find_events(
    work: Work, which: Which, *, text: str = "", offset: int = 0, limit: int = 25, sees: Sees | None = None
) -> tuple[list[EventView], int]:
    """The soonest first, from `offset`, then what is over, the latest first; and how many there are in all. `text` is
    part of a name, or an id. Who has no account yet is offered what was announced where they are, and what they are
    invited to. `sees`: None where the platform does not tell; then the whole place is one channel."""
    if work.actor.signed is None:
        work.actor.require_user()
    shape = (which, work.actor.user_id is None, bool(text), which == "upcoming" and sees is not None)
    given = _given(work, which, text) | {"from": offset, "most": limit}
    if sees is not None and which == "upcoming":
        given["seen"] = await _seen(work, given, sees)
    rows = (await work.session.execute(_page(*shape), given)).all()
    found = [event_view(work, event, count, mine=bool(mine)) for event, count, mine in rows]
    if len(found) < limit and (found or not offset):
        return found, offset + len(found)
    return found, await work.session.scalar(_total(*shape), given) or 0


def _given(work: Work, which: Which, text: str) -> dict[str, Any]:
    until = work.now - _LATELY if which == "told" else work.now
    part = text.replace("/", "//").replace("%", "/%").replace("_", "/_")
    return {
        **pressed(work), "until": until, "until_begun": until - DEFAULT_LENGTH, "begun": work.now - DEFAULT_LENGTH,
        "text": text, "part": part,
    }  # fmt: skip


async def _seen(work: Work, given: dict[str, Any], sees: Sees) -> list[str]:
    """Of the channels of this place in which there are cards of what is to come. They are in one of them this moment,
    and the server's own list of events is before everybody in it."""
    there = await work.session.scalars(_CHANNELS, given)
    return [each for each in there if each in (given["space"], CALENDAR) or sees(each)]


@cache
def _page(which: Which, nobody: bool, by_text: bool, by_channel: bool) -> Select[Event, int, bool]:
    """Made once, like all of these: each of its conditions costs more to make than to run."""
    follow = select(people()).where(Subscription.event_id == Event.id, ACTIVE).scalar_subquery()
    _, manages = sees_and_manages(nobody)
    return (
        select(Event, follow, manages)
        .where(*_conditions(which, nobody, by_text, by_channel))
        .order_by(*_order(which), Event.id)
        .offset(bindparam("from"))
        .limit(bindparam("most"))
    )


@cache
def _total(which: Which, nobody: bool, by_text: bool, by_channel: bool) -> Select[int]:
    return select(func.count()).select_from(Event).where(*_conditions(which, nobody, by_text, by_channel))


def _conditions(which: Which, nobody: bool, by_text: bool, by_channel: bool) -> list[ColumnElement[bool]]:
    conditions = [_chosen(which, nobody, by_channel), not_(over_by(_at("until"), _at("until_begun")))]
    if which != "told":
        conditions.append(Event.status == "scheduled")
    if by_text:
        named = Event.name.icontains(bindparam("part"), escape="/")
        conditions.append(or_(named, Event.public_id == bindparam("text")))
    return conditions


def _order(which: Which) -> tuple[ColumnElement[Any], ...]:
    if which != "told":
        return (Event.start_date.asc(),)
    over = over_by(_at("now"), _at("begun"))
    return case((over, 1), else_=0), case((over, null()), else_=Event.start_date), Event.start_date.desc()


def _chosen(which: Which, nobody: bool, by_channel: bool) -> ColumnElement[bool]:
    sees, mine = sees_and_manages(nobody)
    if which in ("mine", "told"):
        return mine
    if which == "following":
        return and_(_follows(nobody), or_(sees, invited_here()))
    if which == "here":
        return and_(_announced(EventAnnouncement.channel_id == bindparam("space")), or_(sees, invited_here()))
    there = (
        _announced(EventAnnouncement.channel_id.in_(bindparam("seen", expanding=True))) if by_channel else _announced()
    )
    return or_(invited_here(), and_(sees, or_(mine, _follows(nobody), Event.is_public.is_(False), there)))


def _follows(nobody: bool) -> ColumnElement[bool]:
    if nobody:
        return false()
    return exists().where(
        Subscription.event_id == Event.id,
        Subscription.user_id == bindparam("account"),
        Subscription.state.in_(("active", "paused")),
    )


def _here() -> tuple[ColumnElement[bool], ...]:
    """Of a card: that it stands in this server or workspace."""
    return (
        EventAnnouncement.platform == bindparam("platform"),
        EventAnnouncement.tenant_id == bindparam("server"),
        EventAnnouncement.gone_at.is_(None),
    )


def _announced(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    """A private one is seen by who is let in, whatever was announced."""
    return exists().where(EventAnnouncement.event_id == Event.id, *_here(), *where)


def _at(name: str) -> Any:
    return bindparam(name, type_=UtcDateTime)


_CHANNELS = (
    select(EventAnnouncement.channel_id)
    .join(Event, Event.id == EventAnnouncement.event_id)
    .where(
        *_here(),
        Event.is_public.is_(True),
        Event.status == "scheduled",
        not_(over_by(_at("until"), _at("until_begun"))),
    )
    .distinct()
)
