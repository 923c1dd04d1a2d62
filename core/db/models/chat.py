"""What chat platforms need remembered: the settings of a server or workspace, and what somebody is about to do."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models.base import Base, Numbered, one_of


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
