"""People, their channels and their tokens."""

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models.base import Base, Numbered, found_by, one_of


class User(Numbered, Base):
    """Somebody with an account. `email` is NULL for people known only by a chat identity, never a made-up address."""

    __tablename__ = "users"

    email: Mapped[str | None] = mapped_column(unique=True, index=True)
    is_verified: Mapped[bool] = mapped_column(default=False)
    """A verified e-mail or a signed chat identity."""
    email_verified_at: Mapped[dt.datetime | None]
    display_name: Mapped[str]
    timezone: Mapped[str | None]
    password_hash: Mapped[str | None]
    is_operator: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Runs the service: set at the terminal alone."""
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """A tombstone: everything of it is that account's now."""
    erased_at: Mapped[dt.datetime | None]
    """Erased by its person: the row names nobody any more, and stays while past events refer to it."""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (found_by("ix_users_merged_into", "merged_into"),)


class Identity(Numbered, Base):
    """Who somebody is on a chat platform, as the platform itself signed it: another way into their account."""

    __tablename__ = "identities"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    platform: Mapped[str]
    """discord or slack."""
    tenant_id: Mapped[str]
    """Slack: the workspace, without which a member id says nothing. Discord: "", one person in every server."""
    external_id: Mapped[str]
    display_name: Mapped[str]
    """As they were called there when they last came."""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            UniqueConstraint("platform", "tenant_id", "external_id"),
            one_of("platform", "discord", "slack"),
        )


class Integration(Numbered, Base):
    """A channel: an Apprise URL, sealed. `user_id` NULL is the address of an anonymous subscriber."""

    __tablename__ = "integrations"

    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    identity_id: Mapped[int | None] = mapped_column(ForeignKey("identities.id"), index=True)
    """Whose direct messages it is; it goes when that identity leaves the account."""
    name: Mapped[str]
    apprise_url: Mapped[bytes] = mapped_column(LargeBinary)
    kind: Mapped[str]
    """The word people see: E-mail, Webhook, Discord, …"""
    label: Mapped[str]
    """What organizers see: a name or a masked address, never the URL."""
    destination: Mapped[str] = mapped_column(index=True)
    """Keyed hash of the canonical end point; equal for the same target spelled differently."""
    tag: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)
    confirmed_at: Mapped[dt.datetime | None]
    confirm_requested_at: Mapped[dt.datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    """Failed deliveries in a row."""
    disabled_reason: Mapped[str | None]
    last_error: Mapped[str | None]
    removed_at: Mapped[dt.datetime | None]
    """A removed channel leaves a row without its URL: the ledger and ended subscriptions refer to it."""
    erased_at: Mapped[dt.datetime | None]
    """Its person had it erased: not even the keyed hash is left, unless an organizer removed it from an event."""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            UniqueConstraint("user_id", "destination", "tag"),
            Index(
                "uq_integrations_anonymous_destination",
                "destination",
                unique=True,
                sqlite_where=text("user_id IS NULL"),
                postgresql_where=text("user_id IS NULL"),
            ),
        )


class Token(Numbered, Base):
    """What opens something without a password: an API token or a link between accounts (random, of which only the hash
    is kept), or a link that was mailed (signed and derived from this row, so that nothing of it is kept)."""

    __tablename__ = "tokens"

    purpose: Mapped[str]
    """api; verify, sign_in or change_email: a mailed link; link_identity; oauth: a way through a chat platform that was
    taken; calendar_follows or calendar_hosts: a calendar's address."""
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    """NULL for mailed links."""
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    subject: Mapped[str | None]
    """The destination (keyed hash) that a link was mailed to: it proves that address and no other. For link_identity
    the identity's id."""
    browser_hash: Mapped[str | None]
    """Keyed hash of what the browser that asked for a link keeps in a cookie."""
    expires_at: Mapped[dt.datetime | None]
    used_at: Mapped[dt.datetime | None]
    """API tokens: the latest use, to the hour. Links: when the one use was."""


class Session(Numbered, Base):
    """Somebody signed in, in one browser. A session that has ended has no row."""

    __tablename__ = "sessions"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    last_seen_at: Mapped[dt.datetime]
    """To the hour."""
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    agent: Mapped[str]
    """What the browser calls itself, shortened."""
    sudo_at: Mapped[dt.datetime]
    """When this person last proved who they are, in this session."""
