"""What keeps the service honest: idempotency, limits, suppression, audit, switches."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models.base import Base, BigId, Numbered


class StoredRequest(Numbered, Base):
    """An answer already given, so that a repeated request gets it again and does nothing twice."""

    __tablename__ = "requests"

    scope: Mapped[str]
    key: Mapped[str]
    body_hash: Mapped[str]
    answer: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (UniqueConstraint("scope", "key"),)


class Bucket(Base):
    """A fixed-window counter. `key` is a keyed hash where it names a person or an address."""

    __tablename__ = "buckets"

    key: Mapped[str] = mapped_column(primary_key=True)
    used: Mapped[int]
    resets_at: Mapped[dt.datetime] = mapped_column(index=True)


class SuppressedAddress(Base):
    """Never write to this destination again. Only its keyed hash is known."""

    __tablename__ = "suppressed_addresses"

    destination: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[dt.datetime]
    act: Mapped[str | None] = mapped_column(index=True)
    """The unsubscribe that asked for it, so that undo lifts it."""


class AuditEntry(Numbered, Base):
    """One row for each use case that changes something: done, or refused to somebody with an account."""

    __tablename__ = "audit_log"

    actor_user_id: Mapped[int | None] = mapped_column(BigId, index=True)
    via: Mapped[str]
    action: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    """What it was about, e.g. `event:12`."""
    outcome: Mapped[str]
    """done, or the code of the refusal."""
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class DeliveryOpening(Numbered, Base):
    """A non-public address that webhooks may reach for a while. Honoured in development only."""

    __tablename__ = "delivery_openings"

    network: Mapped[str]
    port: Mapped[int]
    expires_at: Mapped[dt.datetime]


class ServiceFlag(Base):
    """A switch of the whole service, such as `sending_paused`."""

    __tablename__ = "service_flags"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    set_at: Mapped[dt.datetime]
