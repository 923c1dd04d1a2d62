"""Passwords, for those who want one: Argon2id, computed beside the event loop, two at a time (each takes 64 MiB)."""

import asyncio
import base64
import unicodedata
from dataclasses import dataclass

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import delete, select, update

from core.accounts.address import void_change
from core.accounts.links import demand_by_ip
from core.accounts.model import Opened, PasswordChange
from core.accounts.sessions import begin_session, require_sudo, signed_in_here, watch_session
from core.accounts.tell import tell_account
from core.db.models import Session, User
from core.delivery.addresses import Channel, mail_channel
from core.errors import Code, SoonishError
from core.limits import DAY, demand
from core.work import Actor, Core, Work

_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one hash: rounds, KiB, lanes."""

    time: int = 3
    memory: int = 64 * 1024
    lanes: int = 4

    @property
    def of_nobody(self) -> str:
        """A hash that costs what a real one costs, and that no password fits."""
        return f"$argon2id$v=19$m={self.memory},t={self.time},p={self.lanes}${_b64(bytes(16))}${_b64(bytes(32))}"


class Passwords:
    """The hashing of one process."""

    def __init__(self, cost: Cost | None = None) -> None:
        cost = cost or Cost()
        hasher = Argon2Hasher(time_cost=cost.time, memory_cost=cost.memory, parallelism=cost.lanes)
        self._hashes = PasswordHash((hasher,))
        self._of_nobody = cost.of_nobody
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, password: str) -> str:
        async with self._gate:
            return await asyncio.to_thread(self._hashes.hash, _normal(password))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Takes as long without a stored hash as with one."""
        async with self._gate:
            right = await asyncio.to_thread(self._hashes.verify, _normal(password), stored or self._of_nobody)
        return right and stored is not None


def _normal(password: str) -> str:
    """The same password from another keyboard."""
    return unicodedata.normalize("NFKC", password)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


async def sign_in_by_password(
    core: Core, passwords: Passwords, actor: Actor, email: str, password: str, agent: str
) -> Opened:
    """A session, or one refusal for every reason there is: no account, no password, another one, not verified."""
    user_id, stored = await core.act(actor, try_password, mail_channel(email))
    right = await passwords.verify(password, stored)
    if not right or user_id is None or stored is None:
        raise _wrong()
    return await core.act(actor, open_by_password, user_id, stored, agent)


async def try_password(work: Work, channel: Channel) -> tuple[int | None, str | None]:
    """Count the try, and give what it is to be compared with."""
    await demand_by_ip(work)
    await _count_try(work, channel.destination)
    user = await work.session.scalar(
        select(User).where(
            User.email == channel.address, User.email_verified_at.is_not(None), User.merged_into.is_(None)
        )
    )
    work.subject = f"user:{user.id}" if user else ""
    return (user.id, user.password_hash) if user else (None, None)


async def _count_try(work: Work, destination: str) -> None:
    """Only passwords stop: links are mailed on (of those, no one network gets all), so nobody is locked out by one
    who guesses."""
    await demand(work, "password", destination, work.settings.password_tries_per_day, DAY)


async def open_by_password(work: Work, user_id: int, stored: str, agent: str) -> Opened:
    """The password was right; unless it was changed meanwhile, a session begins."""
    current = await work.session.scalar(select(User.password_hash).where(User.id == user_id).with_for_update())
    if current != stored:
        raise _wrong()
    work.subject = f"user:{user_id}"
    session_id, token = await begin_session(work, user_id, agent)
    watch_session(work, user_id, session_id)
    return Opened(token=token, user_id=user_id)


async def set_password(core: Core, passwords: Passwords, actor: Actor, change: PasswordChange) -> None:
    """Set or change it, in a session that proved itself lately or with the current one. Other sessions end."""
    given = change.current.get_secret_value() if change.current is not None else None
    stored = await core.act(actor, prepare_password, by_current=given is not None)
    if given is not None and not await passwords.verify(given, stored):
        raise SoonishError(Code.FORBIDDEN, "The current password is not right.", field="current", hint="Try again.")
    new = await passwords.hash(change.password.get_secret_value())
    await core.act(actor, store_password, stored, new)


async def confirm_password(core: Core, passwords: Passwords, actor: Actor, password: str) -> None:
    """Whoever sits at this session knows the password: it proved itself again."""
    stored = await core.act(actor, prepare_password, by_current=True)
    if not await passwords.verify(password, stored):
        raise SoonishError(
            Code.FORBIDDEN, "This password is not right.", field="password", hint="Try again, or sign in by mail."
        )
    await core.act(actor, prove_session, stored)


async def prove_session(work: Work, stored: str | None) -> None:
    """Unless the password was changed meanwhile."""
    user, session = await signed_in_here(work)
    if stored is None or user.password_hash != stored:
        raise SoonishError(Code.CONFLICT, "The password was changed meanwhile.", hint="Sign in again.")
    session.sudo_at = work.now


async def prepare_password(work: Work, *, by_current: bool) -> str | None:
    """The current hash, if this session may change it."""
    user, _ = await signed_in_here(work)
    if by_current:
        await _count_try(work, mail_channel(user.email or "").destination if user.email else str(user.id))
    else:
        await require_sudo(work)
    return user.password_hash


async def store_password(work: Work, before: str | None, new: str) -> None:
    """Nobody who knew the old one stays signed in."""
    user, session = await signed_in_here(work)
    if user.password_hash != before:
        raise SoonishError(Code.CONFLICT, "The password was changed meanwhile.", hint="Sign in again.")
    await work.session.execute(update(User).where(User.id == user.id).values(password_hash=new))
    session.sudo_at = work.now
    ended = await work.session.execute(delete(Session).where(Session.user_id == user.id, Session.id != session.id))
    await void_change(work, user.id)
    first = before is None
    await tell_account(
        work, user, "password_changed", f"Your password was {'set' if first else 'changed'}", {"first": first}
    )
    work.detail = {"ended": int(ended.rowcount)}  # type: ignore[attr-defined]


def _wrong() -> SoonishError:
    return SoonishError(
        Code.UNAUTHENTICATED, "This address and this password do not open an account.", hint="Sign in by mail instead."
    )
