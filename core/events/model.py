"""What goes into an event and what comes out: the same shapes for the API, the terminal and the bots."""

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from core.db.models import Event
from core.text import Block, Line, Name
from core.times import as_utc, effective_end, parse_instant
from core.work import Work


def _instant(value: object) -> object:
    """In UTC and in whole seconds, so that one instant has one spelling in what is stored, said and compared."""
    if isinstance(value, str):
        return parse_instant(value).replace(microsecond=0)
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return as_utc(value).replace(microsecond=0)
    raise ValueError("A time is text like 2027-05-01T19:00:00+02:00.")


_INSTANT: dict[str, JsonValue] = {"type": "string", "format": "date-time"}
_WORDS: dict[str, JsonValue] = {"type": "string", "maxLength": 10_000, "examples": ["fri 7pm", "27 Nov 19:00 Berlin"]}
Instant = Annotated[dt.datetime, BeforeValidator(_instant), WithJsonSchema(_INSTANT)]
Truth = Annotated[bool, Field(strict=True)]
_Tell = Truth | Literal["now"]


def _tell(value: object) -> object:
    if value is not None and not isinstance(value, bool) and value != "now":
        raise ValueError('Must be true, false or "now".')
    return value


Notify = Annotated[_Tell, BeforeValidator(_tell)]
When = Annotated[str, Field(max_length=10_000), WithJsonSchema(_WORDS)]
"""A time as people type it; read in the event's zone. What it can hold is for the reading to say."""


_STARTS: list[JsonValue] = [{"required": ["start_date"]}, {"required": ["when"]}]


def _one_start(start_date: dt.datetime | None, when: str | None) -> None:
    if start_date is not None and when is not None:
        raise ValueError("start_date and when are two starts: give one of them")


class NewEvent(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"oneOf": _STARTS})

    name: Name
    start_date: Annotated[Instant | None, WithJsonSchema(_INSTANT)] = None
    when: Annotated[When | None, WithJsonSchema(_WORDS)] = None
    """Instead of `start_date`: a time as people type it, read in `timezone`."""
    end_date: Instant | None = None
    description: Block = ""
    location: Line = ""
    contact: Line = ""
    timezone: Annotated[str, Field(max_length=64)] | None = None
    """IANA name; unset: the organizer's own zone, else the service's default."""
    is_public: Truth = True
    is_listed: Truth = False
    """Whether the front page of this Soonish may list it, while it is public and where its operator lists any."""

    @model_validator(mode="after")
    def _starts_once(self) -> Self:
        _one_start(self.start_date, self.when)
        return self


class EventChange(BaseModel):
    """Only what is given changes. `notify`: None tells of a new time or place only, True of any change, False of
    none, "now" of any change and without waiting for further edits."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    start_date: Instant | None = None
    when: When | None = None
    """Instead of `start_date`: a time as people type it, read in the event's zone or the new `timezone`."""
    end_date: Instant | None = None
    description: Block | None = None
    location: Line | None = None
    contact: Line | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    is_public: Truth | None = None
    is_listed: Truth | None = None
    notify: Notify | None = None
    revision: int | None = Field(None, ge=1, strict=True)
    """The revision that was edited; a newer one in the database refuses the change."""

    @field_validator(
        *("name", "start_date", "when", "description", "location", "contact", "timezone", "is_public", "is_listed"),
        mode="before",
    )
    @classmethod
    def _nothing_is_unset(cls, value: object) -> object:
        if value is None:
            raise ValueError("This cannot be empty: leave it out to keep it.")
        return value

    @model_validator(mode="after")
    def _starts_once(self) -> Self:
        _one_start(self.start_date, self.when)
        return self

    def changes(self) -> dict[str, object]:
        """What is given as it is; `when` is still to be read."""
        return {name: getattr(self, name) for name in self.model_fields_set - {"notify", "revision", "when"}}


class Cancellation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Line = ""


class EventView(BaseModel):
    """An event as its readers see it. `id` is the public id."""

    id: str
    url: str
    name: str
    description: str
    location: str
    contact: str
    timezone: str
    start_date: dt.datetime
    end_date: dt.datetime | None
    status: Literal["scheduled", "cancelled", "ended"]
    cancel_reason: str
    is_public: bool
    is_listed: bool
    revision: int
    subscribers: int
    """People who follow, on however many channels."""
    mine: bool
    """Whether the reader organizes it, as its owner or beside them."""
    created_at: dt.datetime
    updated_at: dt.datetime


def event_view(work: Work, event: Event, subscribers: int, *, mine: bool) -> EventView:
    """As the actor of this work sees it now; `mine`: they manage it.

    An event is over when its time is, whether or not its row says so yet.
    """
    over = event.status == "scheduled" and effective_end(event.start_date, event.end_date) <= work.now
    return EventView(
        id=event.public_id,
        url=f"{work.settings.public_base_url}/e/{event.public_id}",
        name=event.name,
        description=event.description,
        location=event.location,
        contact=event.contact,
        timezone=event.timezone,
        start_date=event.start_date,
        end_date=event.end_date,
        status="ended" if over else event.status,
        cancel_reason=event.cancel_reason,
        is_public=event.is_public,
        is_listed=event.is_listed,
        revision=event.revision,
        subscribers=subscribers,
        mine=mine,
        created_at=event.created_at,
        updated_at=event.updated_at,
    )


class GuestView(BaseModel):
    """A private event as an address without an account sees it once it is in. Its page opens for accounts alone."""

    id: str
    location: str
    description: str
    contact: str


def guest_view(event: Event) -> GuestView:
    return GuestView(id=event.public_id, location=event.location, description=event.description, contact=event.contact)
