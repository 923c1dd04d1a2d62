"""The ledger: what is owed to whom, what became of it, and what Temporal must be told."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models.base import Base, BigId, Numbered, found_by, one_of

_OPEN = "status IN ('queued', 'sending')"
_DEAD = "status = 'dead'"


class Notification(Numbered, Base):
    """One message to many. Its texts are read at send time; `data` holds what they are made of."""

    __tablename__ = "notifications"

    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"), index=True)
    """NULL for account mail."""
    kind: Mapped[str]
    title: Mapped[str]
    body: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    not_before: Mapped[dt.datetime]
    superseded_at: Mapped[dt.datetime | None]
    closed_at: Mapped[dt.datetime | None]
    """Set when nothing of it is queued or being sent; cleared when something is again."""
    trail: Mapped[str | None]
    """What asked for it: the id in the logs."""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            found_by("ix_notifications_requested_by", "requested_by"),
            Index(
                "ix_notifications_open",
                "event_id",
                "not_before",
                sqlite_where=text("closed_at IS NULL"),
                postgresql_where=text("closed_at IS NULL"),
            ),
        )


class Delivery(Numbered, Base):
    """One message to one destination: queued, sending, then delivered, pending, dead or skipped."""

    __tablename__ = "deliveries"

    notification_id: Mapped[int] = mapped_column(ForeignKey("notifications.id"))
    integration_id: Mapped[int | None] = mapped_column(ForeignKey("integrations.id", ondelete="SET NULL"))
    subscription_id: Mapped[int | None] = mapped_column(ForeignKey("subscriptions.id"), index=True)
    """NULL for account mail, so a subscription is never erased before its deliveries."""
    destination: Mapped[str]
    label: Mapped[str]
    status: Mapped[str] = mapped_column(default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[dt.datetime]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[dt.datetime | None]
    code: Mapped[str | None]
    reason: Mapped[str | None]
    sent_at: Mapped[dt.datetime | None]
    trail: Mapped[str | None]
    """What asked for this row, where that is not what asked for the notification: a thousand welcomes travel as one."""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            UniqueConstraint("notification_id", "destination"),
            one_of("status", "queued", "sending", "delivered", "pending", "dead", "skipped"),
            # What a report's page reads.
            Index(None, "notification_id", "id"),
            # What somebody's own log reads, from the end.
            Index(None, "integration_id", "id"),
            # What operators look at.
            Index(
                "ix_deliveries_dead",
                "notification_id",
                "code",
                sqlite_where=text(_DEAD),
                postgresql_where=text(_DEAD),
            ),
            # What a claim reads. Partial, so that a million delivered rows cost it nothing.
            Index(
                "ix_deliveries_open",
                "notification_id",
                "next_attempt_at",
                sqlite_where=text(_OPEN),
                postgresql_where=text(_OPEN),
            ),
        )


class OutboxRow(Numbered, Base):
    """A bell to ring once its transaction has committed: the workflow of an event, of a notification, or of an account
    and its sessions."""

    __tablename__ = "outbox"

    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))
    notification_id: Mapped[int | None] = mapped_column(ForeignKey("notifications.id"))
    user_id: Mapped[int | None] = mapped_column(BigId)
    """No foreign key: an account that nobody verified is erased, the bell that said so stays a while."""
    signal: Mapped[str]
    subject_id: Mapped[int]
    """The row the signal is about (a subscription, a notification, the event, a session)."""
    relayed_at: Mapped[dt.datetime | None]
    trail: Mapped[str | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            found_by("ix_outbox_notification_id", "notification_id"),
            Index(
                "ix_outbox_waiting",
                "id",
                sqlite_where=text("relayed_at IS NULL"),
                postgresql_where=text("relayed_at IS NULL"),
            ),
        )
