"""The card of an event: what a message that everybody in a place can see says about it, whatever platform shows it."""

import datetime as dt
import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core.identities.signed import Platform

CardStatus = Literal["scheduled", "cancelled", "ended"]
CALENDAR = "events"
"""In the place of a channel: the list of events that a Discord server has of its own. A card there is one of them."""
PlatformId = Field(min_length=1, max_length=64, pattern=r"^[\w.-]+$")


class Space(BaseModel):
    """A channel of a chat platform. `tenant_id`: Discord's server, Slack's workspace."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    platform: Platform
    tenant_id: str = PlatformId
    channel_id: str = PlatformId


class Card(BaseModel):
    """As it should be now. A closed one is of a private event to which its place is not invited: it says nothing."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    """The public id; presses on the card's buttons carry it."""
    closed: bool = False
    name: str = ""
    description: str = ""
    location: str = ""
    host: str = ""
    starts: dt.datetime | None = None
    """None on a closed card alone."""
    ends: dt.datetime | None = None
    status: CardStatus = "scheduled"
    cancel_reason: str = ""
    is_public: bool = False
    followers: int = 0
    page_url: str = ""
    revision: int

    @property
    def says(self) -> str:
        """A hash of what is to be read on it: the revision alone changes nothing."""
        return hashlib.sha256(self.model_dump_json(exclude={"revision"}).encode()).hexdigest()[:32]


class Posted(BaseModel):
    """A card that the bot has posted, and as which message."""

    model_config = ConfigDict(extra="forbid")

    space: Space
    message_id: str = PlatformId
    card: Card


class Announcement(BaseModel):
    id: int
    space: Space
    message_id: str
    created_at: dt.datetime
    edited_at: dt.datetime
    gone: bool
    """Its message or channel was deleted, or is closed to the bot."""
    last_error: str | None


class Announcements(BaseModel):
    items: list[Announcement]
