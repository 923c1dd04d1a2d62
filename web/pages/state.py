"""Whether a page that somebody holds is still the current one: one query, nothing rendered."""

import datetime as dt
import hashlib
from dataclasses import dataclass

from sqlalchemy import func, select

from core.db.models import Event, EventUpdate, User
from core.errors import not_found
from core.events.access import may_see
from core.work import Actor, Core
from web.pages.show import moment


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

    def tag(self, version: str, now: dt.datetime) -> str:
        """An entity tag; weak, because a proxy may compress the page."""
        seen = moment(self.start, self.end, self.status, self.zone, now)
        text = repr((version, self.revision, self.latest_update, self.host, seen))
        return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'


async def page_state(core: Core, actor: Actor, public_id: str) -> PageState:
    """Raises NOT_FOUND for an event that is not there, or not for this reader."""
    latest = (
        select(func.max(EventUpdate.id))
        .where(EventUpdate.event_id == Event.id, EventUpdate.audience == "everyone")
        .scalar_subquery()
    )
    query = (
        select(
            Event.revision, latest, User.display_name, Event.start_date, Event.end_date, Event.status, Event.timezone
        )
        .join(User, User.id == Event.owner_user_id)
        .where(Event.public_id == public_id, may_see(actor))
    )
    async with core.db.read_rows() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise not_found("event")
    return PageState(*row)


def is_current(if_none_match: str | None, tag: str) -> bool:
    """Whether a request's If-None-Match names this tag (weak comparison)."""
    names = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return tag.removeprefix("W/") in names
