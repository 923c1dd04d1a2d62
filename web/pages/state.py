"""Whether a page that somebody holds is still the current one: one query, nothing rendered."""

import asyncio
import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from core.db.models import Event, EventUpdate, User
from core.errors import not_found
from core.events.access import may_see
from core.rendering.calendar import FORM
from core.work import Actor, Core
from web.pages.show import moment

_LATEST = (
    select(func.max(EventUpdate.id))
    .where(EventUpdate.event_id == Event.id, EventUpdate.audience == "everyone")
    .scalar_subquery()
)
_FACTS = (
    select(
        Event.revision,
        _LATEST,
        User.display_name,
        Event.start_date,
        Event.end_date,
        Event.status,
        Event.timezone,
        Event.name,
        Event.location,
    )
    .join(User, User.id == Event.owner_user_id)
    .where(Event.public_id == bindparam("public_id"))
)
_PUBLIC = _FACTS.where(may_see(Actor(None, "web")))


@dataclass(frozen=True, slots=True)
class PageState:
    """Everything that an event's page is made of, in short."""

    revision: int
    latest_update: int | None
    host: str
    start: dt.datetime
    end: dt.datetime | None
    status: str
    zone: str
    name: str
    location: str

    def tag(self, version: str, now: dt.datetime) -> str:
        """An entity tag; weak, because a proxy may compress the page."""
        seen = moment(self.start, self.end, self.status, self.zone, now)
        return _tag(version, self.revision, self.latest_update, self.host, seen)

    def calendar_tag(self, base_url: str, sender: str) -> str:
        """Of its iCalendar file, in which nothing depends on the clock."""
        return _tag("calendar", FORM, self.revision, base_url, sender)

    def feed_tag(self, version: str) -> str:
        """Of its news, which the clock does not change either."""
        return _tag("news", version, self.revision, self.latest_update, self.host)


class PageStates:
    """What visitors see is asked once for all who want one page at one moment; what only guests and organizers see, for
    each of them alone."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._asked: dict[str, asyncio.Task[PageState | None]] = {}

    async def get(self, public_id: str, actor: Actor) -> tuple[PageState, bool]:
        """The state, and whether everybody may see it. Raises NOT_FOUND for an event that is not there for them."""
        state = await self._public(public_id)
        if state is not None:
            return state, True
        if actor.user_id is not None:
            state = await self._read(public_id, _FACTS.where(may_see(actor)))
        if state is None:
            raise not_found("event")
        return state, False

    async def _public(self, public_id: str) -> PageState | None:
        task = self._asked.get(public_id)
        if task is None:
            task = self._asked[public_id] = asyncio.create_task(self._read(public_id, _PUBLIC))
            task.add_done_callback(lambda _: self._asked.pop(public_id))
        # One reader who goes away must not take the answer from the others.
        return await asyncio.shield(task)

    async def _read(self, public_id: str, query: Select[*tuple[Any, ...]]) -> PageState | None:
        async with self._core.db.read_rows() as connection:
            row = (await connection.execute(query, {"public_id": public_id})).one_or_none()
        return PageState(*row) if row is not None else None


def _tag(*parts: object) -> str:
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:20]}"'


def is_current(if_none_match: str | None, tag: str) -> bool:
    """Whether a request's If-None-Match names this tag (weak comparison)."""
    names = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return tag.removeprefix("W/") in names
