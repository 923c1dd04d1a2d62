"""Accounts, links and sessions, as people ask for them and see them."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from core.text import Name

LONGEST_PASSWORD = 1_000
SHORTEST_PASSWORD = 10


def _encodable(value: SecretStr) -> SecretStr:
    if any("\ud800" <= ch <= "\udfff" for ch in value.get_secret_value()):
        raise ValueError("This is not valid text.")
    return value


GivenPassword = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST_PASSWORD), AfterValidator(_encodable)]
NewPassword = Annotated[
    SecretStr, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD), AfterValidator(_encodable)
]


class AskForLink(BaseModel):
    """An address that wants an account, or into the one it has."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=400)]


class SignIn(AskForLink):
    """`email` alone: a link is mailed. With `password`: in at once."""

    password: GivenPassword | None = None


class PasswordChange(BaseModel):
    """`current` is needed unless this session began in the last quarter of an hour."""

    model_config = ConfigDict(extra="forbid")

    password: NewPassword
    current: GivenPassword | None = None


class Proof(BaseModel):
    """Who sits at a session that is open for a while."""

    model_config = ConfigDict(extra="forbid")

    password: GivenPassword


class CheckInbox(BaseModel):
    """The same for every address: whether it has an account is nobody's business."""

    status: Literal["check_inbox"] = "check_inbox"


class AddressView(BaseModel):
    """Which account is to get which address, for the page with its button."""

    name: str
    label: str
    """The address, masked."""


class AccountChange(BaseModel):
    """What others see of a person, and the zone that times are said in."""

    model_config = ConfigDict(extra="forbid")

    display_name: Name | None = None
    timezone: Annotated[str, Field(max_length=100)] | None = None


class LinkView(BaseModel):
    """What a mailed link is about, for the page with its button."""

    purpose: Literal["verify", "sign_in"]
    label: str
    """The address, masked."""
    asked_here: bool
    """Whether this browser asked for it."""


class Opened(BaseModel):
    """A session has begun. The only time its token is seen: it goes into the cookie and nowhere else."""

    token: str = Field(repr=False)
    user_id: int


class AccountView(BaseModel):
    id: int
    email: str | None
    display_name: str
    timezone: str | None
    is_verified: bool
    email_verified_at: dt.datetime | None
    has_password: bool
    created_at: dt.datetime


class SessionView(BaseModel):
    """Where somebody is signed in. `last_seen_at` is exact to the hour."""

    id: int
    created_at: dt.datetime
    last_seen_at: dt.datetime
    expires_at: dt.datetime
    agent: str
    current: bool
    """Whether it is the one that asks."""
