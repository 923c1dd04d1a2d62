"""Who may see and manage an event that is not everybody's: organizers, invitations, and what accepting one leaves."""

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models.base import Base, Numbered, found_by, one_of


class EventOrganizer(Numbered, Base):
    """Somebody who manages an event beside its owner."""

    __tablename__ = "event_organizers"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (UniqueConstraint("event_id", "user_id"),)


class EventInvitation(Numbered, Base):
    """An offer to whoever holds the token, or to one address. `platform`, `tenant_id` and `external_id` name whom a
    chat platform knows; those kinds have no token."""

    __tablename__ = "event_invitations"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), index=True)
    purpose: Mapped[str]
    """What accepting makes of somebody: follow (a guest), organize, own."""
    kind: Mapped[str]
    """link or email; for whom a chat platform knows: identity, role, space (a channel, or a whole server)."""
    destination: Mapped[str | None]
    """Keyed hash of the address that an e-mail invitation is for; the address itself is not kept here."""
    platform: Mapped[str | None]
    tenant_id: Mapped[str | None]
    external_id: Mapped[str | None]
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    label: Mapped[str]
    """What organizers see: a masked address or a name from chat, never the token."""
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    expires_at: Mapped[dt.datetime]
    max_uses: Mapped[int | None]
    """NULL: as often as people come."""
    uses: Mapped[int] = mapped_column(default=0)
    revoked_at: Mapped[dt.datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            one_of("purpose", "follow", "organize", "own"),
            one_of("kind", "link", "email", "identity", "role", "space"),
        )


class EventGrant(Numbered, Base):
    """May see the event while it is private: an account, or the address of an anonymous follower."""

    __tablename__ = "event_grants"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    integration_id: Mapped[int | None] = mapped_column(ForeignKey("integrations.id"))
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("event_invitations.id"))
    """NULL: followed before the event went private, or was let back."""
    while_following: Mapped[bool] = mapped_column(default=False)
    """Kept from before the event went private: who leaves then is a stranger again."""
    revoked_at: Mapped[dt.datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        live = text("revoked_at IS NULL")
        return (
            # One invitation makes one grant for a person, however often they press.
            UniqueConstraint("invitation_id", "user_id"),
            UniqueConstraint("invitation_id", "integration_id"),
            found_by("ix_event_grants_user_id", "user_id"),
            found_by("ix_event_grants_integration_id", "integration_id"),
            Index("ix_event_grants_user", "event_id", "user_id", sqlite_where=live, postgresql_where=live),
            Index("ix_event_grants_address", "event_id", "integration_id", sqlite_where=live, postgresql_where=live),
        )
