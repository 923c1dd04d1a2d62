"""Events, who follows them, and what was said about them."""

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models.base import Base, BigId, Numbered, found_by, one_of


class Event(Numbered, Base):
    """Times are instants; the wall time people read follows from `timezone` (IANA)."""

    __tablename__ = "events"

    public_id: Mapped[str] = mapped_column(unique=True)
    owner_user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(Text, default="")
    location: Mapped[str] = mapped_column(default="")
    contact: Mapped[str] = mapped_column(default="")
    timezone: Mapped[str]
    start_date: Mapped[dt.datetime] = mapped_column(index=True)
    start_set_at: Mapped[dt.datetime]
    """When `start_date` took its value: a reminder due before that was never promised."""
    end_date: Mapped[dt.datetime | None]
    status: Mapped[str] = mapped_column(default="scheduled")
    """scheduled, cancelled or ended."""
    cancel_reason: Mapped[str] = mapped_column(default="")
    is_public: Mapped[bool] = mapped_column(default=True)
    is_listed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the front page may list it while it is public."""
    temporal_workflow_id: Mapped[str] = mapped_column(unique=True)
    revision: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[dt.datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (one_of("status", "scheduled", "cancelled", "ended"),)


class Subscription(Numbered, Base):
    """One event reaching one channel. Ended instead of deleted, revived in place."""

    __tablename__ = "subscriptions"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    integration_id: Mapped[int] = mapped_column(ForeignKey("integrations.id"), index=True)
    state: Mapped[str]
    """unconfirmed, active, paused or ended."""
    requested_at: Mapped[dt.datetime]
    """The latest request; a confirm link names it."""
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("event_invitations.id"))
    """Through which it was asked for; confirming accepts it."""
    ended_at: Mapped[dt.datetime | None]
    ended_by: Mapped[str | None]
    """unsubscribed, removed, let_back (after it), channel_removed, expired, access_ended, erased. An unconfirmed row
    with one is asked anew, and still undone by what ended it."""
    ended_act: Mapped[str | None] = mapped_column(index=True)
    """The last unsubscribe that ended it, so that undo restores exactly those rows; kept when they are back."""
    state_before: Mapped[str | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            UniqueConstraint("event_id", "integration_id"),
            one_of("state", "unconfirmed", "active", "paused", "ended"),
            found_by("ix_subscriptions_invitation_id", "invitation_id"),
            # Partial, so that those who left cost an audience nothing; the state is in it so that SQLite counts people
            # without a look at their rows.
            Index(
                "ix_subscriptions_active",
                "event_id",
                "user_id",
                "state",
                sqlite_where=text("state = 'active'"),
                postgresql_where=text("state = 'active'"),
            ),
            Index(
                "ix_subscriptions_unconfirmed",
                "requested_at",
                sqlite_where=text("state = 'unconfirmed'"),
                postgresql_where=text("state = 'unconfirmed'"),
            ),
        )


class EventUpdate(Numbered, Base):
    """A change, a cancellation or a message, as the page and the feeds show it."""

    __tablename__ = "event_updates"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), index=True)
    category: Mapped[str]
    """general, schedule_change or cancelled."""
    title: Mapped[str]
    body: Mapped[str] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(BigId)
    revision: Mapped[int]
    audience: Mapped[str] = mapped_column(default="everyone")
    """everyone, or chosen: the latter is shown to nobody else."""


class EventAnnouncement(Numbered, Base):
    """A card: a message of the bot's that shows the event, for everybody in a place, and is edited as it changes."""

    __tablename__ = "event_announcements"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), index=True)
    platform: Mapped[str]
    tenant_id: Mapped[str]
    """Discord: the server. Slack: the workspace."""
    channel_id: Mapped[str]
    message_id: Mapped[str]
    shown: Mapped[str]
    """Hash of what the card says; what it should say is asked of the event each time."""
    shown_revision: Mapped[int]
    shown_followers: Mapped[int]
    shown_status: Mapped[str]
    edited_at: Mapped[dt.datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    """Edits that failed in a row."""
    retry_at: Mapped[dt.datetime | None]
    last_error: Mapped[str | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[dt.datetime | None]
    gone_at: Mapped[dt.datetime | None]
    """When it turned out that the message, or its channel, is there no more; it is never tried again."""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            UniqueConstraint("platform", "tenant_id", "channel_id", "message_id"),
            one_of("platform", "discord", "slack"),
        )


class AbuseReport(Numbered, Base):
    """Somebody says that an event is not what it should be. Who it was is not asked."""

    __tablename__ = "reports"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    closed_at: Mapped[dt.datetime | None] = mapped_column(index=True)
    note: Mapped[str] = mapped_column(default="")
    """What the operator who closed it did about it."""
