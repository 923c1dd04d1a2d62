"""How a use case runs: an actor, typed input, one transaction, a typed answer.

A use case is an async function whose first argument is a `Work`. `Core.act` gives it a write transaction and, in the
same transaction, the audit row and (for a repeated request) the stored answer; `Core.ask` gives it a read.
"""

import datetime as dt
import hashlib
import json
import logging
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Concatenate, ParamSpec, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import bindparam, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import Clock
from core.db.again import until_done
from core.db.engine import Database
from core.db.models import AuditEntry, OutboxRow, StoredRequest, User
from core.errors import AnotherRequestError, Code, SoonishError
from core.identities.signed import SignedIdentity
from core.keys import Keys
from core.settings import Settings
from core.trail import current, following, fresh

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

_STORED = select(StoredRequest).where(StoredRequest.scope == bindparam("scope"), StoredRequest.key == bindparam("key"))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and through which door. `user_id` None: nobody in particular (a visitor, or the service itself)."""

    user_id: int | None
    via: str
    ip: str | None = None
    """The client's address, for limits only; it is stored hashed and logged never."""
    session_id: int | None = None
    """The session by whose cookie they came; None for tokens, terminals and visitors."""
    signed: SignedIdentity | None = None
    """Who a chat platform says they are, for those who come from there."""
    operates: bool = False
    """Whether the site shows them the way to the operators' pages. What they may do there is asked each time."""

    def require_user(self) -> int:
        if self.user_id is None:
            raise SoonishError(Code.UNAUTHENTICATED, "Sign in first.", hint="Send an API token as a bearer token.")
        return self.user_id


SYSTEM = Actor(None, "system")


@dataclass(frozen=True, slots=True)
class Once:
    """Names a request so that its repetition gets the first answer."""

    scope: str
    key: str
    body_hash: str

    @classmethod
    def of(cls, scope: str, key: str, body: Any) -> "Once":
        text = json.dumps(body, sort_keys=True, default=str)
        return cls(scope, key, hashlib.sha256(text.encode()).hexdigest())


@dataclass(slots=True)
class Work:
    """What a use case works with: its transaction, its actor, and the time it happens at."""

    core: "Core"
    session: AsyncSession
    actor: Actor
    now: dt.datetime
    subject: str = ""
    """What the audit row is about; the use case sets it as soon as it knows."""
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> Keys:
        return self.core.keys

    @property
    def settings(self) -> Settings:
        return self.core.settings

    def ring(
        self,
        signal: str,
        subject_id: int,
        *,
        event_id: int | None = None,
        notification_id: int | None = None,
        user_id: int | None = None,
    ) -> None:
        """Ask for a workflow to be woken once this transaction has committed."""
        self.session.add(
            OutboxRow(
                event_id=event_id,
                notification_id=notification_id,
                user_id=user_id,
                signal=signal,
                subject_id=subject_id,
                created_at=self.now,
                trail=current() or None,
            )
        )


UseCase = Callable[Concatenate[Work, P], Awaitable[T]]


@dataclass(slots=True)
class Core:
    """Everything the use cases share, wired once per process."""

    settings: Settings
    clock: Clock
    db: Database
    keys: Keys

    async def ask(self, actor: Actor, query: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self.db.read() as session:
            return await query(Work(self, session, actor, self.clock.now()), *args, **kwargs)

    async def step(self, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The service's own bookkeeping: a write transaction without an audit row."""

        async def transaction() -> T:
            async with self.db.write() as session:
                return await use_case(Work(self, session, SYSTEM, self.clock.now()), *args, **kwargs)

        return await until_done(transaction)

    async def note(self, use_case: UseCase[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """As `step`, for what is as well noted the next time: whoever only reads waits for nobody by it, and is served
        by a database that takes no writes."""
        try:
            async with self.db.write_now() as session:
                await use_case(Work(self, session, SYSTEM, self.clock.now()), *args, **kwargs)
        except (DBAPIError, PoolTimeoutError) as error:
            log.debug("%s is left for later: %s", use_case.__name__, type(error).__name__)

    async def act(self, actor: Actor, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a use case in one transaction; a refusal leaves only its audit row, and a stranger's not even that."""
        return await self._act(actor, use_case, None, args, kwargs)

    async def act_once(
        self, once: Once | None, actor: Actor, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `act`, but a repetition of the same request returns the first answer and changes nothing."""
        return await self._act(actor, use_case, once, args, kwargs)

    async def answered(self, once: Once | None, use_case: Callable[..., Awaitable[T]]) -> T | None:
        """The answer that a repeated request got before; for use cases that do something outside first. Nobody's writes
        wait for it."""
        if once is None:
            return None
        async with self.db.read() as session:
            row = await _stored(session, once)
        if row is None or row.expires_at <= self.clock.now():
            return None
        return typing.cast("T", _answers_of(use_case).validate_json(_answer_in(row, once)))

    async def _act(
        self,
        actor: Actor,
        use_case: Callable[..., Awaitable[T]],
        once: Once | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> T:
        with following(current() or fresh()):
            try:
                answer, subject = await self._tried(actor, use_case, once, args, kwargs)
            except SoonishError as refusal:
                log.info("%s: %s", use_case.__name__, refusal.code)
                raise
            log.info("%s: done%s", use_case.__name__, f", {subject}" if subject else "")
            return answer

    async def _tried(
        self,
        actor: Actor,
        use_case: Callable[..., Awaitable[T]],
        once: Once | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> tuple[T, str]:
        """The answer, and what it was about."""
        now = self.clock.now()
        subject = ""

        async def transaction() -> tuple[T, str]:
            nonlocal subject
            async with self.db.write() as session:
                work = Work(self, session, actor, now)
                try:
                    await _hold_account(work)
                    if once is not None and (stored := await _stored_answer(session, once, now)) is not None:
                        return typing.cast("T", _answers_of(use_case).validate_json(stored)), "as before"
                    answer = await use_case(work, *args, **kwargs)
                finally:
                    subject = work.subject
                session.add(_audit(work, use_case, "done"))
                if once is not None:
                    session.add(_answer_row(once, _answers_of(use_case).dump_json(answer).decode(), work))
                return answer, subject

        try:
            return await until_done(transaction)
        except SoonishError as refusal:
            # Anybody can be refused as often as they like: that must not fill the log.
            if actor.user_id is not None:
                async with self.db.write() as session:
                    refused = Work(self, session, actor, now, subject)
                    session.add(_audit(refused, use_case, str(refusal.code)))
            raise


async def _hold_account(work: Work) -> None:
    """Who is being erased or merged this moment is waited for: what they do after that is refused by what is left of
    them (PostgreSQL; SQLite has one writer at a time). Others of their own requests are not."""
    if work.actor.user_id is not None and not work.core.db.sqlite:
        await work.session.execute(
            select(User.id).where(User.id == work.actor.user_id).with_for_update(read=True, key_share=True)
        )


async def _stored_answer(session: AsyncSession, once: Once, now: dt.datetime) -> str | None:
    """Before it is acted: a row that is too old makes room for the next."""
    row = await _stored(session, once)
    if row is None:
        return None
    if row.expires_at <= now:
        await session.delete(row)
        await session.flush()
        return None
    return _answer_in(row, once)


async def _stored(session: AsyncSession, once: Once) -> StoredRequest | None:
    row: StoredRequest | None = await session.scalar(_STORED, {"scope": once.scope, "key": once.key})
    return row


def _answer_in(row: StoredRequest, once: Once) -> str:
    if row.body_hash != once.body_hash:
        words = "This Idempotency-Key was used for a different request."
        raise AnotherRequestError(Code.CONFLICT, words, hint="Use a new key.")
    return row.answer


def _answer_row(once: Once, answer: str, work: Work) -> StoredRequest:
    lifetime = dt.timedelta(hours=work.settings.retention_requests_hours)
    return StoredRequest(
        scope=once.scope,
        key=once.key,
        body_hash=once.body_hash,
        answer=answer,
        created_at=work.now,
        expires_at=work.now + lifetime,
    )


@cache
def _answers_of(use_case: Callable[..., Any]) -> TypeAdapter[Any]:
    return TypeAdapter(typing.get_type_hints(use_case)["return"])


def _audit(work: Work, use_case: Callable[..., Any], outcome: str) -> AuditEntry:
    return AuditEntry(
        created_at=work.now,
        actor_user_id=work.actor.user_id,
        via=work.actor.via,
        action=use_case.__name__,
        subject=work.subject,
        outcome=outcome,
        detail=work.detail,
    )
