"""Erasing what has expired, in short transactions: everybody else's writes go on in between."""

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, and_, delete, exists, func, or_, select, text, update
from sqlalchemy.orm import InstrumentedAttribute

from core.accounts.lifecycle import forget_accounts
from core.chat.drafts import forget_drafts
from core.db.models import (
    AbuseReport,
    AuditEntry,
    Base,
    Bucket,
    ChatInstallation,
    Delivery,
    DeliveryOpening,
    Draft,
    Event,
    EventAnnouncement,
    EventGrant,
    EventInvitation,
    Integration,
    Notification,
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


_Referred = Notification | Subscription | EventGrant | EventInvitation | Integration | User


async def tidy_all(core: Core) -> dict[str, int]:
    """Erase until nothing expired is left, or enough was for one go. How many rows of each kind."""
    erased = dict.fromkeys(RULES, 0)
    for name, rule in RULES.items():
        for _ in range(_ROUNDS):
            count = await core.step(rule.erase)
            erased[name] += count
            if count < AT_ONCE:
                break
    return erased


async def tidy(work: Work) -> dict[str, int]:
    """One round of every kind. How many rows were erased (or ended: requests that nobody confirmed)."""
    return {name: await rule.erase(work) for name, rule in RULES.items()}


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


async def _reports(work: Work) -> int:
    """Closed ones; those that nobody looked at stay."""
    long_ago = work.now - dt.timedelta(days=work.settings.retention_audit_days)
    old = select(AbuseReport.id).where(AbuseReport.closed_at < long_ago).limit(AT_ONCE)
    return _count(await work.session.execute(delete(AbuseReport).where(AbuseReport.id.in_(old))))


async def _requests(work: Work) -> int:
    old = select(StoredRequest.id).where(StoredRequest.expires_at < work.now).limit(AT_ONCE)
    return _count(await work.session.execute(delete(StoredRequest).where(StoredRequest.id.in_(old))))


async def _buckets(work: Work) -> int:
    old = select(Bucket.key).where(Bucket.resets_at < work.now).limit(AT_ONCE)
    return _count(await work.session.execute(delete(Bucket).where(Bucket.key.in_(old), Bucket.resets_at < work.now)))


async def _openings(work: Work) -> int:
    return _count(await work.session.execute(delete(DeliveryOpening).where(DeliveryOpening.expires_at < work.now)))


async def _unconfirmed(work: Work) -> int:
    # Written out, because SQLite matches a partial index only by the literal text of its condition.
    waiting = text("subscriptions.state = 'unconfirmed'")
    old = select(Subscription.id).where(waiting, Subscription.requested_at < work.now - CONFIRM_LIFETIME).limit(AT_ONCE)
    ended = await work.session.execute(
        update(Subscription)
        # Asked of the row itself once more: whoever says yes this moment is waited for, and follows (PostgreSQL).
        .where(Subscription.id.in_(old), Subscription.state == "unconfirmed")
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
        Integration.user_id.is_(None),
        Integration.removed_at.is_(None),
        or_(never_said_yes, (Integration.created_at < long_ago) & ~left_lately),
        ~follows,
    )
    # Locked, and then asked again: who follows by it this moment is waited for, and seen (PostgreSQL).
    ids = select(Integration.id).where(*nothing).order_by(Integration.id).limit(AT_ONCE).with_for_update()
    locked = list(await work.session.scalars(ids))
    if not locked:
        return 0
    forgotten = await work.session.execute(
        update(Integration)
        .where(Integration.id.in_(locked), *nothing)
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


async def _drafts(work: Work) -> int:
    return await forget_drafts(work, AT_ONCE)


async def _links(work: Work) -> int:
    """Expired ones say so by their signature; a week later nobody asks any more whether they were used. Tokens of
    programs that had an end go likewise."""
    old = select(Token.id).where(Token.expires_at < work.now - VERIFY_LIFETIME).limit(AT_ONCE)
    return _count(await work.session.execute(delete(Token).where(Token.id.in_(old))))


async def _notifications(work: Work) -> int:
    """With the last of their deliveries; the event's timeline has what was said."""
    long_ago = work.now - dt.timedelta(days=work.settings.retention_deliveries_days)
    return await _unused(work, Notification, Notification.created_at < long_ago, Notification.not_before < long_ago)


async def _subscriptions(work: Work) -> int:
    """Long ended, or of an event that is long over. What an organizer removed counts for as long as the event is to
    come."""
    long_ago = work.now - dt.timedelta(days=work.settings.retention_subscriptions_days)
    ended = and_(
        Subscription.state == "ended",
        Subscription.ended_at < long_ago,
        Subscription.ended_by.is_distinct_from("removed"),
    )
    return await _unused(work, Subscription, or_(ended, Subscription.event_id.in_(_over_since(long_ago))))


async def _announcements(work: Work) -> int:
    """Cards that are gone, and those of events that are long over: what they say stays as it is."""
    gone = EventAnnouncement.gone_at < work.now - _KEPT_AFTERWARDS
    over = _over_since(work.now - dt.timedelta(days=work.settings.retention_subscriptions_days))
    old = select(EventAnnouncement.id).where(or_(gone, EventAnnouncement.event_id.in_(over))).limit(AT_ONCE)
    return _count(await work.session.execute(delete(EventAnnouncement).where(EventAnnouncement.id.in_(old))))


async def _installations(work: Work) -> int:
    """Of workspaces that the app left. Their token went at once; who had put it there, and what it could, goes now."""
    gone = ChatInstallation.revoked_at < work.now - _KEPT_AFTERWARDS
    old = select(ChatInstallation.id).where(gone).limit(AT_ONCE)
    return _count(await work.session.execute(delete(ChatInstallation).where(ChatInstallation.id.in_(old))))


async def _grants(work: Work) -> int:
    """Taken back, or of an address whose event is long over. While the invitation is open, what was taken back says
    that it lets this person in no more. An account keeps sight of what it was let into."""
    settings = work.settings
    taken_back = work.now - dt.timedelta(days=settings.retention_invitations_days)
    long_ago = work.now - dt.timedelta(days=settings.retention_subscriptions_days)
    still_open = select(EventInvitation.id).where(EventInvitation.expires_at > work.now)
    lets_in = EventGrant.invitation_id.is_not(None) & EventGrant.invitation_id.in_(still_open)
    over = EventGrant.user_id.is_(None) & EventGrant.event_id.in_(_over_since(long_ago))
    return await _unused(work, EventGrant, or_(and_(EventGrant.revoked_at < taken_back, ~lets_in), over))


async def _invitations(work: Work) -> int:
    """Once nobody can use them, and nobody is in by them."""
    expired = work.now - dt.timedelta(days=work.settings.retention_invitations_days)
    return await _unused(work, EventInvitation, EventInvitation.expires_at < expired)


async def _channels(work: Work) -> int:
    """Removed, forgotten or erased ones, once no row of the ledger and no subscription names them."""
    return await _unused(work, Integration, Integration.removed_at < work.now - _KEPT_AFTERWARDS)


async def _erased_accounts(work: Work) -> int:
    """Rows that name nobody, once nothing refers to them."""
    return await _unused(work, User, User.erased_at.is_not(None))


async def _unused(
    work: Work,
    table: type[_Referred],
    *conditions: ColumnElement[bool],
) -> int:
    """Delete those to which nothing refers: asked of every foreign key there is, of tables to come too."""
    free = [_nowhere_in(table, column) for column in _keys_to(table)]
    old = list(await work.session.scalars(select(table.id).where(*conditions, *free).order_by(table.id).limit(AT_ONCE)))
    if old:
        await work.session.execute(delete(table).where(table.id.in_(old)))
    return len(old)


def _keys_to(table: type[Base]) -> list[Column[Any]]:
    return [
        column
        for other in Base.metadata.sorted_tables
        for column in other.columns
        if any(key.column.table is table.__table__ for key in column.foreign_keys)
    ]


def _nowhere_in(table: type[_Referred], column: Column[Any]) -> ColumnElement[bool]:
    return ~exists().where(column.table.alias().c[column.name] == table.id)


def _over_since(moment: dt.datetime) -> Select[int]:
    return select(Event.id).where(func.coalesce(Event.end_date, Event.start_date, type_=Event.start_date.type) < moment)


@dataclass(frozen=True, slots=True)
class Rule:
    table: type[Base]
    erase: Callable[[Work], Awaitable[int]]


RULES: dict[str, Rule] = {
    "outbox": Rule(OutboxRow, _outbox),
    "deliveries": Rule(Delivery, _deliveries),
    "notifications": Rule(Notification, _notifications),
    "audit": Rule(AuditEntry, _audit),
    "reports": Rule(AbuseReport, _reports),
    "requests": Rule(StoredRequest, _requests),
    "buckets": Rule(Bucket, _buckets),
    "openings": Rule(DeliveryOpening, _openings),
    "unconfirmed": Rule(Subscription, _unconfirmed),
    "addresses": Rule(Integration, _addresses),
    "subscriptions": Rule(Subscription, _subscriptions),
    "announcements": Rule(EventAnnouncement, _announcements),
    "installations": Rule(ChatInstallation, _installations),
    "grants": Rule(EventGrant, _grants),
    "invitations": Rule(EventInvitation, _invitations),
    "sessions": Rule(Session, _sessions),
    "accounts": Rule(User, _accounts),
    "links": Rule(Token, _links),
    "drafts": Rule(Draft, _drafts),
    "channels": Rule(Integration, _channels),
    "erased_accounts": Rule(User, _erased_accounts),
}
"""In this order: what refers to others goes before them."""
STAYS = {
    "events": "its organizer's, and the page that everybody was given",
    "event_updates": "the event's own timeline",
    "event_organizers": "who manages an event, until they step down or are erased",
    "chat_settings": "a server's or workspace's own, for as long as it may come back",
    "identities": "a way into an account, until it is unlinked or erased",
    "suppressed_addresses": "never write to me again, until its person says otherwise",
    "service_flags": "a switch has one row",
}
"""Tables that no time empties, and why."""


def _count(result: object) -> int:
    return int(getattr(result, "rowcount", 0))
