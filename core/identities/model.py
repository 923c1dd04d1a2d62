"""Identities and the links between accounts, as people see them."""

import datetime as dt

from pydantic import BaseModel, Field

from core.identities.signed import Platform


class IdentityView(BaseModel):
    id: int
    platform: Platform
    display_name: str
    """As they were called there when they last came."""
    created_at: dt.datetime


class Identities(BaseModel):
    items: list[IdentityView]


class Minted(BaseModel):
    """The only time the link is shown."""

    link: str = Field(repr=False)
    token: str = Field(repr=False)
    expires_at: dt.datetime


class Names(BaseModel):
    """How many there are, and what the first of them are called."""

    count: int
    names: list[str]


class LinkPreview(BaseModel):
    """What pressing the button would do, before anything happens."""

    platform: Platform
    display_name: str
    into: str
    """The account that stays, as its person knows it."""
    identities: list[str]
    """Every way in that comes along, such as `Discord: bob`."""
    follows: Names
    organizes: Names
    channels: Names
    twice: Names
    """Events that both follow at the same end point: one subscription of the two stays."""
    address: str | None
    """Its address, masked."""
    address_becomes: str | None
    """yours: it signs in here from then on. channel: it stays as a channel, and signs nobody in."""
    mine_already: bool


class Linked(BaseModel):
    merged: int | None
    """The account that was merged; None when the identity was here already."""
