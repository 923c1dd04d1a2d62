"""What goes into a channel and what comes out: never its URL."""

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from core.db.models import Integration
from core.text import Name

Tag = Annotated[
    str,
    StringConstraints(min_length=1, max_length=32, pattern=r"^[\w-]+$", strip_whitespace=True),
    AfterValidator(str.lower),
]


class NewIntegration(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Name
    apprise_url: Annotated[str, Field(min_length=1, max_length=2000, repr=False)]
    tag: Tag | None = None
    """Unset: the kind of the channel in one word, such as `webhook`."""


class IntegrationChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    tag: Tag | None = None
    is_active: Annotated[bool, Field(strict=True)] | None = None


class IntegrationView(BaseModel):
    id: int
    name: str
    kind: str
    tag: str
    is_active: bool
    confirmed: bool
    """False: a mail channel whose address has not said yes; it stays off until then."""
    disabled_reason: str | None
    last_error: str | None
    created_at: dt.datetime


class Removed(BaseModel):
    ended_subscriptions: int


class Tested(BaseModel):
    delivered: bool
    reason: str | None


def view_of(row: Integration) -> IntegrationView:
    return IntegrationView(
        id=row.id,
        name=row.name,
        kind=row.kind,
        tag=row.tag,
        is_active=row.is_active,
        confirmed=row.confirmed_at is not None,
        disabled_reason=row.disabled_reason,
        last_error=row.last_error,
        created_at=row.created_at,
    )
