"""What goes into an invitation and what comes out."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.db.models import EventInvitation

Purpose = Literal["follow", "organize", "own"]
Address = Annotated[str, Field(max_length=400)]


class NewLink(BaseModel):
    """A link for whoever holds it. `max_uses` left out: for as many as come."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["link"]
    expires_in_days: int = Field(30, ge=1, le=365, strict=True)
    max_uses: int | None = Field(None, ge=1, le=100_000, strict=True)


class NewMail(BaseModel):
    """A mail with a link that is good for its address alone."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["email"]
    email: Address


class OneAddress(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Address


class InvitationView(BaseModel):
    """An invitation as the event's organizers see it."""

    id: int
    purpose: Purpose
    """follow: to see and follow the event. organize: to manage it. own: to take it over."""
    kind: Literal["link", "email", "identity", "role", "space"]
    label: str
    """A masked address."""
    state: Literal["open", "used", "expired", "revoked"]
    uses: int
    max_uses: int | None
    created_at: dt.datetime
    expires_at: dt.datetime


class Invited(InvitationView):
    link: str | None
    """Shown this once, for a link; a mailed one is nobody's but its address's."""


class Revoked(BaseModel):
    ended_subscriptions: int


class Invitation(BaseModel):
    """What the page of an invitation shows to whoever holds it, before anything happens."""

    purpose: Purpose
    event_name: str
    when: str
    host: str
    label: str | None
    """The masked address that it is for."""


class OrganizerView(BaseModel):
    user_id: int
    name: str
    role: Literal["owner", "organizer"]
    since: dt.datetime


class Organizers(BaseModel):
    items: list[OrganizerView]


def state_of(row: EventInvitation, now: dt.datetime) -> Literal["open", "used", "expired", "revoked"]:
    if row.revoked_at is not None:
        return "revoked"
    if row.max_uses is not None and row.uses >= row.max_uses:
        return "used"
    return "expired" if row.expires_at <= now else "open"


def view_of(row: EventInvitation, now: dt.datetime) -> InvitationView:
    return InvitationView(
        id=row.id,
        purpose=row.purpose,
        kind=row.kind,
        label=row.label,
        state=state_of(row, now),
        uses=row.uses,
        max_uses=row.max_uses,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
