"""What goes into an invitation and what comes out."""

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.db.models import EventInvitation
from core.events.model import GuestView
from core.identities.signed import LABELS, Platform
from core.text import Name

Purpose = Literal["follow", "organize", "own"]
Address = Annotated[str, Field(max_length=400)]
LINK_DAYS, LINK_USES = 365, 100_000
"""For how long, and for how many people, a link is good at most."""
PlatformId = Annotated[str, Field(max_length=64, pattern=r"^[\w.:-]*$")]


class NewLink(BaseModel):
    """A link for whoever holds it. `max_uses` left out: for as many as come."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["link"]
    expires_in_days: int = Field(30, ge=1, le=LINK_DAYS, strict=True)
    max_uses: int | None = Field(None, ge=1, le=LINK_USES, strict=True)


class NewMail(BaseModel):
    """A mail with a link that is good for its address alone."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["email"]
    email: Address


class NewInChat(BaseModel):
    """For whom a chat platform knows: one member, everybody with a role, or everybody in a space. Nothing is sent; who
    it is for comes in when they press there."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["identity", "role", "space"]
    platform: Platform
    tenant_id: PlatformId = ""
    """Slack: the workspace. Discord: the server of the role or space, and nothing for a member."""
    external_id: PlatformId = ""
    """The member, role, user group or channel. Left out for a space: the whole server or workspace."""
    name: Name | None = None
    """What organizers see in lists."""
    expires_in_days: int = Field(365, ge=1, le=365, strict=True)

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        somewhere = self.kind == "identity" and self.platform == "discord"
        if somewhere and self.tenant_id:
            raise ValueError("A Discord member is the same in every server: leave tenant_id out.")
        if not somewhere and not self.tenant_id:
            raise ValueError("Say which server or workspace: tenant_id.")
        if self.kind != "space" and not self.external_id:
            raise ValueError("Say which member or role: external_id.")
        return self

    @property
    def label(self) -> str:
        where = LABELS[self.platform]
        if self.kind == "space" and not self.external_id:
            return self.name or f"Everybody in {where} {self.tenant_id}"
        what = {"identity": "member", "role": "role", "space": "channel"}[self.kind]
        return self.name or f"{where} {what} {self.external_id}"


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
    """A masked address, or whom a chat platform knows."""
    state: Literal["open", "used", "expired", "revoked"]
    uses: int
    max_uses: int | None
    created_at: dt.datetime
    expires_at: dt.datetime


class Offered(InvitationView):
    mailed_before: dt.datetime | None = None
    """When this invitation was mailed within the last day: nothing was sent now. Whether its address wants mail, and
    got it, is not told."""


class Invited(Offered):
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
    one_press: bool
    """Whether that address follows by a press on its page: the mail that the link came by proves it."""
    follows: Literal["active", "paused"] | None
    """That address, without an account, is in and follows."""
    closed: str | None
    """Why there is nothing left to follow."""
    page: str | None
    """Of a public event, which everybody may open."""
    guest: GuestView | None
    """A private event that the address is in."""


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
