"""What chat platforms need remembered: where the app is installed, the settings of a server or workspace, and what
somebody is about to do."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models.base import Base, Numbered, one_of


class ChatInstallation(Numbered, Base):
    """A workspace into which somebody has put the app: with which token it acts there."""

    __tablename__ = "chat_installations"

    platform: Mapped[str]
    tenant_id: Mapped[str]
    name: Mapped[str]
    """As the workspace was called then."""
    bot_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Sealed; NULL once the app was removed."""
    scopes: Mapped[str]
    """What the token allows, comma-separated."""
    external_id: Mapped[str | None]
    """Who put it there, by the platform's own id."""
    installed_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (UniqueConstraint("platform", "tenant_id"), one_of("platform", "discord", "slack"))


class ChatSetting(Numbered, Base):
    """Of one server or workspace, by its admins."""

    __tablename__ = "chat_settings"

    platform: Mapped[str]
    tenant_id: Mapped[str]
    timezone: Mapped[str | None]
    organizer_role: Mapped[str | None]
    """Discord: a role. Slack: a user group. Who has it may create events here."""
    channel_id: Mapped[str | None]
    """Where cards go unless somebody says otherwise; NULL: where the command was typed."""
    updated_at: Mapped[dt.datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (UniqueConstraint("platform", "tenant_id"), one_of("platform", "discord", "slack"))


class Draft(Numbered, Base):
    """What somebody looked at in a preview, so that the button under it does exactly that, after a restart too."""

    __tablename__ = "drafts"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"), index=True)
    """NULL: of an event that is not there yet."""
    purpose: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (one_of("purpose", "create", "edit", "cancel", "notify"),)
