"""What becomes of accounts and sessions with time: asked by their workflows, answered from the rows."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import delete, func, select

from core.db.models import Integration, Session, Token, User
from core.tokens import VERIFY_LIFETIME
from core.work import Work


async def verification_duties(work: Work, user_id: int) -> dt.datetime | None:
    """When to look again whether this account was verified; None: it was, or it is gone. Nobody did in time: it goes
    now."""
    user = await work.session.get(User, user_id)
    if user is None or user.is_verified or user.erased_at is not None:
        return None
    until = await work.session.scalar(
        select(func.max(Token.expires_at, type_=Token.expires_at.type)).where(
            Token.user_id == user_id, Token.purpose == "verify"
        )
    )
    until = until or user.created_at + VERIFY_LIFETIME
    if until > work.now:
        return until
    await forget_accounts(work, [user_id])
    return None


async def forget_accounts(work: Work, ids: Sequence[int]) -> None:
    """Accounts that nobody verified never did anything: nothing but their channel and their links is theirs."""
    # Locked first: who is verified just now stays (PostgreSQL; SQLite has one writer at a time).
    unverified = (
        select(User.id).where(User.id.in_(ids), User.is_verified.is_(False), User.erased_at.is_(None)).with_for_update()
    )
    gone = list(await work.session.scalars(unverified))
    await work.session.execute(delete(Token).where(Token.user_id.in_(gone)))
    await work.session.execute(delete(Integration).where(Integration.user_id.in_(gone)))
    await work.session.execute(delete(User).where(User.id.in_(gone)))


async def session_duties(work: Work, session_id: int) -> dt.datetime | None:
    """When to look again at this session; None: it is over. One whose time has come ends now."""
    row = await work.session.get(Session, session_id)
    if row is None:
        return None
    if row.expires_at > work.now:
        return row.expires_at
    await work.session.delete(row)
    return None
