"""What goes into a subscription and what comes out."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.events.model import GuestView
from core.ids import RowId
from core.integrations.model import IntegrationView

Scope = Literal["event", "organizer", "everything"]


class SubscribeByEmail(BaseModel):
    """Anybody with the link. `website` is a trap for robots: people leave it empty."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=400)]
    website: Annotated[str, Field(max_length=400)] = ""


class SubscribeByChannel(BaseModel):
    """Through one's own channels. Neither given: the default channel."""

    model_config = ConfigDict(extra="forbid")

    integration_ids: Annotated[list[RowId], Field(min_length=1, max_length=50)] | None = None
    tags: Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=50)] | None = None


class CheckInbox(BaseModel):
    """The same answer for every address: new, repeated, limited or suppressed."""

    status: Literal["check_inbox"] = "check_inbox"


class CameIn(BaseModel):
    """The address follows now, having proved itself before."""

    status: Literal["follows"] = "follows"


class SubscriptionView(BaseModel):
    """A subscription as its owner or the event's organizer sees it."""

    id: int
    event_id: str
    event_name: str
    label: str
    kind: str
    state: Literal["unconfirmed", "active", "paused", "ended"]
    integration_id: int | None
    """For the subscriber only."""
    created_at: dt.datetime


class Ways(BaseModel):
    """How somebody hears about one event: the oldest of what follows it first, and all of their channels, the newest
    first."""

    follows: list[SubscriptionView] = []
    """Those that are on."""
    channels: list[IntegrationView] = []


class Found(BaseModel):
    """How many a list has on all of its pages, and the newest of them: who comes later is not meant."""

    number: int
    newest: int


class Subscribed(BaseModel):
    subscriptions: list[SubscriptionView]
    warnings: list[str]
    created: bool
    """Whether anything is new; a repetition answers with the rows there are."""


class Unsubscribed(BaseModel):
    """What was left, and the token that takes it back within a day."""

    status: Literal["unsubscribed"] = "unsubscribed"
    ended: int
    undo: str | None


WhyOut = Literal["removed", "channel_removed", "private", "ended", "suppressed"]


class StillOut(BaseModel):
    """An event about which nothing comes, although what ended it was undone; `words` say why to its person."""

    event_name: str
    why: WhyOut
    words: str


class Undone(BaseModel):
    """What became of everything that one unsubscribe ended."""

    restored: int = 0
    """By this press."""
    active: int = 0
    """Of all that it ended: about what messages come now."""
    lifted: bool = False
    """Whether the address may be written to again by this press."""
    still_out: list[StillOut] = []


class Left(BaseModel):
    """An event that was left in chat, and the token that takes it back within a day."""

    event_name: str
    ended: int
    undo: str | None


class Leaving(BaseModel):
    """What an unsubscribe page shows before anything happens."""

    event_name: str | None
    event_id: str | None
    label: str
    host: str | None
    events_of_host: int
    since: dt.datetime | None
    out: bool
    """Nothing is left to end of what the link names."""
    suppressed: bool
    undo: str | None
    """What takes the leaving back, for as long as that works."""


class Confirming(BaseModel):
    """What a confirm page shows before anything happens."""

    what: Literal["subscription", "channel"]
    event_name: str | None
    event_id: str | None
    when: str | None
    label: str
    state: Literal["open", "done", "ended"]
    guest: GuestView | None = None
    """A private event that the address is in, which has no page for it."""


class StateChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    state: Literal["active", "paused"]
