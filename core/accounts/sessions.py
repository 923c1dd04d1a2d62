"""Sessions: what a browser's cookie stands for. The row is looked at on every request; one that has ended has none."""

import datetime as dt

from sqlalchemy import delete, select, update

from core.accounts.browsers import browser_name
from core.accounts.model import SessionView
from core.contracts import SESSION_STARTED
from core.db.models import Session, User
from core.errors import Code, SoonishError, UnprovedError, not_found
from core.limits import HOUR
from core.pages import Page, PageRequest, cut, position
from core.tokens import new_session_token, token_hash
from core.work import Actor, Core, Work

SUDO = dt.timedelta(minutes=15)
"""How long after proving who one is one need not do it again."""


async def begin_session(work: Work, user_id: int, agent: str) -> tuple[int, str]:
    """A new session, whatever cookie the browser came with, which is worth nothing afterwards. Its id and its token."""
    if work.actor.session_id is not None:
        await work.session.execute(delete(Session).where(Session.id == work.actor.session_id))
    token = new_session_token()
    row = Session(
        user_id=user_id,
        token_hash=token_hash(token),
        created_at=work.now,
        last_seen_at=work.now,
        expires_at=work.now + _lifetime(work.core),
        agent=browser_name(agent),
        sudo_at=work.now,
    )
    work.session.add(row)
    await work.session.flush()
    return row.id, token


def watch_session(work: Work, user_id: int, session_id: int) -> None:
    """Have its end looked after."""
    work.ring(SESSION_STARTED, session_id, user_id=user_id)


async def session_actor(core: Core, cookie: str, via: str, ip: str | None = None) -> Actor | None:
    """Who a cookie stands for; None when its session is over, or never was."""
    now = core.clock.now()
    async with core.db.read() as session:
        query = select(Session, User.is_operator).join(User, User.id == Session.user_id)
        found = (await session.execute(query.where(Session.token_hash == token_hash(cookie)))).one_or_none()
    if found is None or found[0].expires_at <= now:
        return None
    row, operates = found
    if now - row.last_seen_at >= HOUR:
        await core.note(_seen, row.id)
    return Actor(row.user_id, via, ip, row.id, operates=operates)


async def require_sudo(work: Work) -> None:
    """For what a cookie left open on somebody's desk must not do. A token, a terminal and a chat identity prove
    themselves with every request."""
    if work.actor.session_id is None:
        return
    proved = await work.session.scalar(select(Session.sudo_at).where(Session.id == work.actor.session_id))
    if proved is None or work.now - proved > SUDO:
        raise UnprovedError(
            Code.FORBIDDEN,
            "You signed in a while ago, and this asks who you are once more.",
            hint="Confirm with your password (POST /api/auth/confirm) or sign in again by mail, then repeat this.",
        )


async def signed_in_here(work: Work) -> tuple[User, Session]:
    """The account and the session by whose cookie this came. An API token is for programs: it changes nothing by which
    a person gets in."""
    user_id = work.actor.require_user()
    work.subject = f"user:{user_id}"
    found = (
        await work.session.execute(
            select(User, Session)
            .join(Session, Session.user_id == User.id)
            .where(User.id == user_id, Session.id == work.actor.session_id)
            .with_for_update()
        )
    ).one_or_none()
    if found is None:
        raise SoonishError(
            Code.FORBIDDEN, "Only somebody signed in on the site does this.", hint="Sign in there by mail first."
        )
    return found[0], found[1]


async def _seen(work: Work, session_id: int) -> None:
    await work.session.execute(
        update(Session)
        .where(Session.id == session_id, Session.expires_at > work.now)
        .values(last_seen_at=work.now, expires_at=work.now + _lifetime(work.core))
    )


def _lifetime(core: Core) -> dt.timedelta:
    return dt.timedelta(days=core.settings.session_days)


async def sign_out(work: Work) -> None:
    """The session by which this came is over."""
    if work.actor.session_id is not None:
        work.subject = f"session:{work.actor.session_id}"
        await work.session.execute(delete(Session).where(Session.id == work.actor.session_id))


async def list_sessions(work: Work, page: PageRequest) -> Page[SessionView]:
    """Where I am signed in, newest first."""
    query = select(Session).where(Session.user_id == work.actor.require_user(), Session.expires_at > work.now)
    if page.cursor:
        query = query.where(Session.id < position(page.cursor))
    rows = await work.session.scalars(query.order_by(Session.id.desc()).limit(page.limit + 1))
    return cut([(row.id, _view(row, work.actor)) for row in rows], page)


async def end_session(work: Work, session_id: int) -> None:
    """Sign out there."""
    row = await work.session.scalar(
        select(Session).where(Session.id == session_id, Session.user_id == work.actor.require_user())
    )
    if row is None:
        raise not_found("session")
    work.subject = f"session:{row.id}"
    await work.session.delete(row)


def _view(row: Session, actor: Actor) -> SessionView:
    return SessionView(
        id=row.id,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        agent=row.agent,
        current=row.id == actor.session_id,
    )
