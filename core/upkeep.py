"""Erasing what has expired, in short transactions: everybody else's writes go on in between."""

import datetime as dt
from collections.abc import Awaitable, Callable

from sqlalchemy import delete, exists, func, or_, select, text, update
from sqlalchemy.orm import InstrumentedAttribute

from core.accounts.lifecycle import forget_accounts
from core.db.models import (
    AuditEntry,
    Bucket,
    Delivery,
    DeliveryOpening,
    Event,
    Integration,
    OutboxRow,
    Session,
    StoredRequest,
    Subscription,
    Token,
    User,
)
from core.tokens import CONFIRM_LIFETIME, VERIFY_LIFETIME
from core.work import Core, Work

AT_ONCE = 2_000
"""Rows in one transaction."""
_ROUNDS = 500
"""Transactions of one kind in one go: a million rows."""
_KEPT_AFTERWARDS = dt.timedelta(days=30)
"""How long an anonymous address is kept when it follows nothing any more."""


async def tidy_all(core: Core) -> dict[str, int]:
    """Erase until nothing expired is left, or enough was for one go. How many rows of each kind."""
    erased = dict.fromkeys(_KINDS, 0)
    for name, erase in _KINDS.items():
        for _ in range(_ROUNDS):
            count = await core.step(erase)
            erased[name] += count
            if count < AT_ONCE:
                break
    return erased


async def tidy(work: Work) -> dict[str, int]:
    """One round of every kind. How many rows were erased (or ended: requests that nobody confirmed)."""
    return {name: await erase(work) for name, erase in _KINDS.items()}


async def _outbox(work: Work) -> int:
    return await _oldest(work, OutboxRow, OutboxRow.relayed_at, work.settings.retention_outbox_days)


async def _deliveries(work: Work) -> int:
    return await _oldest(work, Delivery, Delivery.created_at, work.settings.retention_deliveries_days)


async def _audit(work: Work) -> int:
    return await _oldest(work, AuditEntry, AuditEntry.created_at, work.settings.retention_audit_days)


async def _oldest(
    work: Work,
    table: type[OutboxRow | Delivery | AuditEntry],
    at: InstrumentedAttribute[dt.datetime | None] | InstrumentedAttribute[dt.datetime],
    days: int,
) -> int:
    """Ids ascend with time: the expired ones are the first, and no index on a time is needed to find them."""
    first = select(table.id, at.label("at")).order_by(table.id).limit(AT_ONCE).subquery()
    old = select(first.c.id).where(first.c.at < work.now - dt.timedelta(days=days))
    return _count(await work.session.execute(delete(table).where(table.id.in_(old))))


async def _requests(work: Work) -> int:
    old = select(StoredRequest.id).where(StoredRequest.expires_at < work.now).limit(AT_ONCE)
    return _count(await work.session.execute(delete(StoredRequest).where(StoredRequest.id.in_(old))))


async def _buckets(work: Work) -> int:
    old = select(Bucket.key).where(Bucket.resets_at < work.now).limit(AT_ONCE)
    return _count(await work.session.execute(delete(Bucket).where(Bucket.key.in_(old))))


async def _openings(work: Work) -> int:
    return _count(await work.session.execute(delete(DeliveryOpening).where(DeliveryOpening.expires_at < work.now)))


async def _unconfirmed(work: Work) -> int:
    # Written out, because SQLite matches a partial index only by the literal text of its condition.
    waiting = text("subscriptions.state = 'unconfirmed'")
    old = select(Subscription.id).where(waiting, Subscription.requested_at < work.now - CONFIRM_LIFETIME).limit(AT_ONCE)
    ended = await work.session.execute(
        update(Subscription)
        .where(Subscription.id.in_(old))
        .values(state="ended", ended_at=work.now, ended_by="expired")
    )
    return _count(ended)


async def _addresses(work: Work) -> int:
    """An anonymous address that follows nothing is not kept: only its keyed hash stays."""
    long_ago = work.now - _KEPT_AFTERWARDS
    over = long_ago - dt.timedelta(days=work.settings.grace_days)
    mine = Subscription.integration_id == Integration.id
    follows = exists().where(
        mine,
        Subscription.state != "ended",
        Event.id == Subscription.event_id,
        func.coalesce(Event.end_date, Event.start_date, type_=Event.start_date.type) > over,
    )
    left_lately = exists().where(mine, Subscription.ended_at > long_ago)
    never_said_yes = Integration.confirmed_at.is_(None) & (Integration.created_at < work.now - CONFIRM_LIFETIME)
    nothing = (
        select(Integration.id)
        .where(
            Integration.user_id.is_(None),
            Integration.removed_at.is_(None),
            or_(never_said_yes, (Integration.created_at < long_ago) & ~left_lately),
            ~follows,
        )
        .limit(AT_ONCE)
    )
    forgotten = await work.session.execute(
        update(Integration)
        .where(Integration.id.in_(nothing))
        .values(apprise_url=work.keys.seal(""), removed_at=work.now, label="•••")
    )
    return _count(forgotten)


async def _sessions(work: Work) -> int:
    """Those whose workflow was lost."""
    old = select(Session.id).where(Session.expires_at <= work.now).limit(AT_ONCE)
    return _count(await work.session.execute(delete(Session).where(Session.id.in_(old))))


async def _accounts(work: Work) -> int:
    """Those that nobody verified, and whose workflow was lost."""
    open_link = exists().where(Token.user_id == User.id, Token.purpose == "verify", Token.expires_at > work.now)
    ids = list(
        await work.session.scalars(
            select(User.id)
            .where(
                User.is_verified.is_(False),
                User.email.is_not(None),
                User.created_at < work.now - VERIFY_LIFETIME,
                ~open_link,
            )
            .limit(AT_ONCE)
        )
    )
    if ids:
        await forget_accounts(work, ids)
    return len(ids)


async def _links(work: Work) -> int:
    """Expired ones say so by their signature; a week later nobody asks any more whether they were used."""
    links = (Token.purpose != "api") & (Token.expires_at < work.now - VERIFY_LIFETIME)
    old = select(Token.id).where(links).limit(AT_ONCE)
    return _count(await work.session.execute(delete(Token).where(Token.id.in_(old))))


_KINDS: dict[str, Callable[[Work], Awaitable[int]]] = {
    "outbox": _outbox,
    "deliveries": _deliveries,
    "audit": _audit,
    "requests": _requests,
    "buckets": _buckets,
    "openings": _openings,
    "unconfirmed": _unconfirmed,
    "addresses": _addresses,
    "sessions": _sessions,
    "accounts": _accounts,
    "links": _links,
}


def _count(result: object) -> int:
    return int(getattr(result, "rowcount", 0))
