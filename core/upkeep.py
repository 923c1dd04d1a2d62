"""Erasing what has expired, a bounded amount each round."""

import datetime as dt

from sqlalchemy import ColumnElement, Delete, delete, exists, select, update

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

    def before(days: int) -> dt.datetime:
        return now - dt.timedelta(days=days)

    expired = {
        "outbox": _some(OutboxRow, OutboxRow.relayed_at < before(settings.retention_outbox_days)),
        "deliveries": _some(Delivery, Delivery.created_at < before(settings.retention_deliveries_days)),
        "audit": _some(AuditEntry, AuditEntry.created_at < before(settings.retention_audit_days)),
        "requests": delete(StoredRequest).where(StoredRequest.expires_at < now),
        "buckets": delete(Bucket).where(Bucket.resets_at < now),
        "openings": delete(DeliveryOpening).where(DeliveryOpening.expires_at < now),
    }
    erased = {name: _count(await work.session.execute(statement)) for name, statement in expired.items()}
    erased["unconfirmed"] = await _end_unconfirmed(work)
    erased["addresses"] = await _forget_addresses(work)
    return erased


def _some(table: type[OutboxRow | Delivery | AuditEntry], old: ColumnElement[bool]) -> Delete:
    return delete(table).where(table.id.in_(select(table.id).where(old).limit(_AT_ONCE)))


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
