"""Messages and reports, as organizers write and read them."""

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.ids import RowId
from core.text import MessageBody, Name


class NewMessage(BaseModel):
    """To everybody who follows, or to some: chosen one by one, found by a word, or those who missed a message."""

    model_config = ConfigDict(extra="forbid")

    title: Name
    body: MessageBody
    subscription_ids: Annotated[list[RowId], Field(min_length=1, max_length=5_000)] | None = None
    """As many as a request has room for beside a message that is full."""
    matching: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """Those whose name or kind of channel has this text in it, as organizers see them."""
    missed: RowId | None = None
    """Those who did not get this message, nor anything that was sent since."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.subscription_ids, self.matching, self.missed)
        if sum(each is not None for each in ways) > 1:
            raise ValueError("Choose people in one way: by their numbers, by a word, or by what they missed.")
        return self

    @property
    def to_everyone(self) -> bool:
        return self.subscription_ids is None and self.matching is None and self.missed is None


class Missed(BaseModel):
    """What did not arrive, and with how many of those who still follow."""

    message: int
    number: int


class Accepted(BaseModel):
    """Accepted for sending; the report is at this id."""

    id: int
    recipients: int


ReportedOutcome = Literal["delivered", "failed", "waiting", "skipped"]


class DeliveryView(BaseModel):
    id: int
    subscription_id: int | None
    label: str
    status: Literal["queued", "sending", "delivered", "pending", "dead", "skipped"]
    attempts: int
    reason: str | None
    sent_at: dt.datetime | None
    next_attempt_at: dt.datetime | None
    """For rows that wait for another attempt."""


class EventDelivery(DeliveryView):
    notification_id: int
    kind: str
    title: str


class Report(BaseModel):
    """Who got what. `waiting` counts queued, being sent, and channels that are off; Retry takes the failed."""

    id: int
    event_id: str | None
    kind: str
    title: str
    created_at: dt.datetime
    not_before: dt.datetime
    delivered: int
    failed: int
    waiting: int
    skipped: int
    results: list[DeliveryView]
    next: str | None
    """Cursor of the following results."""


class MessageView(BaseModel):
    id: int
    title: str
    created_at: dt.datetime


class Retried(BaseModel):
    retried: int
