"""Calendars to subscribe to: all that somebody follows, for themselves; the public events they organize, for others.
Each has an address that is its own key, made on request, shown once, and ended or replaced whenever they like."""

import datetime as dt
from typing import Literal

from sqlalchemy import ColumnElement, delete, exists, or_, select

from core.accounts.sessions import require_sudo
from core.db.models import Event, Subscription, Token, User
from core.errors import not_found
from core.events.access import may_manage, may_see
from core.rendering.calendar import calendar_of
from core.tokens import new_session_token, token_hash
from core.work import Actor, Work

Which = Literal["follows", "hosts"]
WHICH: tuple[Which, ...] = ("follows", "hosts")
_PURPOSES: dict[Which, str] = {"follows": "calendar_follows", "hosts": "calendar_hosts"}
_BACK = dt.timedelta(days=30)
"""How long what is over stays in them."""
_AT_MOST = 500


async def my_calendars(work: Work) -> dict[Which, dt.datetime | None]:
    """Since when each has its address."""
    mine = select(Token.purpose, Token.created_at).where(_living(), Token.user_id == work.actor.require_user())
    found = {row.purpose: row.created_at for row in await work.session.execute(mine)}
    return {which: found.get(_PURPOSES[which]) for which in WHICH}


async def make_calendar(work: Work, which: Which) -> str:
    """What names the calendar from now on, shown this once; what named it before is worth nothing any more."""
    await require_sudo(work)
    await end_calendar(work, which)
    secret = new_session_token()
    row = Token(
        purpose=_PURPOSES[which],
        token_hash=token_hash(secret),
        user_id=work.actor.require_user(),
        created_at=work.now,
    )
    work.session.add(row)
    return secret


async def end_calendar(work: Work, which: Which) -> None:
    user_id = work.actor.require_user()
    work.subject, work.detail = f"user:{user_id}", {"calendar": which}
    await work.session.execute(delete(Token).where(Token.user_id == user_id, Token.purpose == _PURPOSES[which]))


async def read_calendar(work: Work, secret: str) -> str:
    """The iCalendar file behind an address; the same for all who have it, until one of its events changes."""
    named = select(Token.purpose, User).join(User, User.id == Token.user_id)
    named = named.where(Token.token_hash == token_hash(secret[:100]), _living())
    row = (await work.session.execute(named.where(User.merged_into.is_(None), User.erased_at.is_(None)))).one_or_none()
    if row is None:
        raise not_found("calendar")
    purpose, owner = row
    follows = purpose == _PURPOSES["follows"]
    shown = _followed_by(owner.id) if follows else (may_manage(Actor(owner.id, "calendar")), Event.is_public.is_(True))
    recent = or_(Event.start_date > work.now - _BACK, Event.end_date > work.now - _BACK)
    query = select(Event).where(*shown, recent).order_by(Event.start_date, Event.id).limit(_AT_MOST)
    events = list(await work.session.scalars(query))
    name = "Soonish: what you follow" if follows else f"{owner.display_name} on Soonish"
    return calendar_of(events, name, work.settings.public_base_url, work.settings.smtp_from)


def _followed_by(user_id: int) -> tuple[ColumnElement[bool], ...]:
    follows = exists().where(
        Subscription.event_id == Event.id,
        Subscription.user_id == user_id,
        Subscription.state.in_(("active", "paused")),
    )
    return follows, may_see(Actor(user_id, "calendar"))


def _living() -> ColumnElement[bool]:
    """Those of an account that was merged into another are used up."""
    return Token.purpose.in_(_PURPOSES.values()) & Token.used_at.is_(None)
