"""Erasing what has expired, a bounded amount each round."""

import datetime as dt

from sqlalchemy import delete, exists, select, update

from core.db.models import (
    AuditEntry,
    Bucket,
    Delivery,
    DeliveryOpening,
    Integration,
    OutboxRow,
    StoredRequest,
    Subscription,
)
from core.tokens import CONFIRM_LIFETIME
from core.work import Work

_AT_ONCE = 5_000


async def tidy(work: Work) -> dict[str, int]:
    """How many rows of each kind were erased (or ended: requests that nobody confirmed)."""
    settings, now = work.settings, work.now
    days = {
        "outbox": (OutboxRow, OutboxRow.relayed_at, settings.retention_outbox_days),
        "deliveries": (Delivery, Delivery.created_at, settings.retention_deliveries_days),
        "audit": (AuditEntry, AuditEntry.created_at, settings.retention_audit_days),
    }
    erased = {}
    for name, (table, column, keep) in days.items():
        old = select(table.id).where(column < now - dt.timedelta(days=keep)).limit(_AT_ONCE)
        erased[name] = _count(await work.session.execute(delete(table).where(table.id.in_(old))))
    for name, condition in {
        "requests": delete(StoredRequest).where(StoredRequest.expires_at < now),
        "buckets": delete(Bucket).where(Bucket.resets_at < now),
        "openings": delete(DeliveryOpening).where(DeliveryOpening.expires_at < now),
    }.items():
        erased[name] = _count(await work.session.execute(condition))
    erased["unconfirmed"] = await _end_unconfirmed(work)
    erased["addresses"] = await _forget_addresses(work)
    return erased


async def _end_unconfirmed(work: Work) -> int:
    ended = await work.session.execute(
        update(Subscription)
        .where(Subscription.state == "unconfirmed", Subscription.requested_at < work.now - CONFIRM_LIFETIME)
        .values(state="ended", ended_at=work.now, ended_by="expired")
    )
    return _count(ended)


async def _forget_addresses(work: Work) -> int:
    """An address that never said yes and follows nothing is not kept: only its keyed hash stays."""
    follows = exists().where(Subscription.integration_id == Integration.id, Subscription.state != "ended")
    forgotten = await work.session.execute(
        update(Integration)
        .where(
            Integration.user_id.is_(None),
            Integration.confirmed_at.is_(None),
            Integration.removed_at.is_(None),
            Integration.created_at < work.now - CONFIRM_LIFETIME,
            ~follows,
        )
        .values(apprise_url=work.keys.seal(""), removed_at=work.now, label="•••")
    )
    return _count(forgotten)


def _count(result: object) -> int:
    return int(getattr(result, "rowcount", 0))
