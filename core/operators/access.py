"""Who runs this service: the terminal, and the accounts that it named. To everybody else there is nothing here."""

from pydantic import BaseModel
from sqlalchemy import ColumnElement, select

from core.accounts.sessions import require_sudo
from core.db.models import User
from core.errors import Code, SoonishError, invalid
from core.text import mask_address
from core.work import Actor, Work

TERMINAL = "cli"
_LIVING = (User.merged_into.is_(None), User.erased_at.is_(None))


class OperatorView(BaseModel):
    id: int
    email: str | None
    display_name: str


class Operators(BaseModel):
    items: list[OperatorView]


async def require_operator(work: Work, *, to_change: bool = False) -> None:
    """The terminal, or an operator signed in at the site, who has proved lately who they are if this changes something.
    An API token is for programs: it operates nothing."""
    if _at_terminal(work.actor):
        return
    operates = select(User.is_operator).where(User.id == work.actor.user_id, *_LIVING)
    if work.actor.session_id is None or not await work.session.scalar(operates):
        raise _nothing_here()
    if to_change:
        await require_sudo(work)


async def look_around(work: Work) -> None:
    """Whether there is anything here for the actor; refuses whoever is no operator."""
    await require_operator(work)


async def add_operator(work: Work, email: str) -> OperatorView:
    """Let an account operate the service, from its next request on. Twice is harmless."""
    return await _mark(work, email, operates=True)


async def remove_operator(work: Work, email: str) -> OperatorView:
    """Take that back, from the next request on."""
    return await _mark(work, email, operates=False)


async def list_operators(work: Work) -> Operators:
    _terminal_only(work)
    found = await work.session.scalars(select(User).where(User.is_operator, *_LIVING).order_by(User.id))
    return Operators(items=[_view(user) for user in found])


async def _mark(work: Work, email: str, *, operates: bool) -> OperatorView:
    _terminal_only(work)
    named: ColumnElement[bool] = User.email == email.strip().lower()
    user = await work.session.scalar(select(User).where(named, *_LIVING).with_for_update())
    if user is None:
        raise invalid(f"There is no account for {mask_address(email)}.", hint="They sign in on the site first.")
    if operates and user.email_verified_at is None:
        raise invalid("This account has not confirmed its address.", hint="They follow the link we mailed first.")
    work.subject = f"user:{user.id}"
    user.is_operator = operates
    return _view(user)


def _at_terminal(actor: Actor) -> bool:
    return actor.user_id is None and actor.via == TERMINAL


def _terminal_only(work: Work) -> None:
    if not _at_terminal(work.actor):
        raise _nothing_here()


def _nothing_here() -> SoonishError:
    return SoonishError(Code.NOT_FOUND, "There is nothing at this address.", hint="Check the link.")


def _view(user: User) -> OperatorView:
    return OperatorView(id=user.id, email=user.email, display_name=user.display_name)
