"""What somebody is shown in chat, before a platform's own markup: every string in it is text to be escaped."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Literal

from bots.conversation.actions import Action
from core.cards.model import Card, Space


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant that each reader sees on their own clock, with `fallback` where a platform cannot do that."""

    at: dt.datetime
    fallback: str


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of day alone, on each reader's own clock: beside a Moment of the same evening."""

    at: dt.datetime
    fallback: str


@dataclass(frozen=True, slots=True)
class Distance:
    """How far off an instant is, kept true by the platform where it can."""

    at: dt.datetime
    fallback: str


@dataclass(frozen=True, slots=True)
class Strong:
    words: str


@dataclass(frozen=True, slots=True)
class Struck:
    words: str


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody's own words, of several lines perhaps."""

    words: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A role or a channel as the platform shows it; nobody is notified by it."""

    what: Literal["role", "channel"]
    external_id: str


Piece = str | Moment | Clock | Distance | Strong | Struck | Quote | Mention
Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Button:
    """Does `action` when pressed, or opens `url`: one of the two."""

    label: str
    action: Action | None = None
    url: str | None = None
    style: Literal["plain", "primary", "danger"] = "plain"


@dataclass(frozen=True, slots=True)
class Choice:
    label: str
    value: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Menu:
    """Up to 25 choices. What is picked comes back as `given["picked"]`, several separated by commas."""

    action: Action
    placeholder: str
    choices: tuple[Choice, ...]
    most: int = 1


@dataclass(frozen=True, slots=True)
class ChannelMenu:
    """The platform's own list of channels to post in."""

    action: Action
    placeholder: str


Row = tuple[Button, ...] | Menu | ChannelMenu


@dataclass(frozen=True, slots=True)
class Screen:
    """Private to the person who asked. `title` stands out above the lines."""

    lines: tuple[Line, ...]
    title: str = ""
    rows: tuple[Row, ...] = ()
    about: str = ""
    """The field of the form that it refuses, for platforms that can say it beside the field."""


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a form. `hint` shows inside it while it is empty."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    required: bool = False
    long: bool = False
    at_most: int = 4_000
    choices: tuple[Choice, ...] = ()
    kind: Literal["text", "role", "channel"] = "text"
    """Other than text: picked from the platform's own, and what comes back is its id. Where the platform has no list of
    roles, `choices` is it."""
    moment: bool = False
    """A time: where a platform has a calendar to pick from, that stands beside the typed words."""


@dataclass(frozen=True, slots=True)
class Form:
    """Up to five fields, and `more` where a platform has room; what is typed comes back under their names."""

    title: str
    action: Action
    fields: tuple[Field, ...]
    more: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Choices:
    """For whoever is typing an option: at most 25."""

    items: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Post:
    """Put this card into that channel, then say what became of it: `Desk.posted` or `Desk.not_posted`."""

    space: Space
    card: Card
    instead_of: str = ""
    """The message of the last card there, which is gone: this is another one."""
    again: Action | None = None
    """The press that tries it once more."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A screen about this channel, which says so where the bot may not post cards there."""

    channel_id: str
    screen: Screen

    def but(self, why: str | None) -> Screen:
        """`why`: a sentence with what to do."""
        return self.screen if why is None else replace(self.screen, lines=(*self.screen.lines, line("⚠️ ", why)))


@dataclass(frozen=True, slots=True)
class Watch:
    """A screen that changes by itself for a while."""

    screens: AsyncIterator[Screen] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """A file for the person alone."""

    name: str
    body: bytes = field(repr=False)
    screen: Screen


Answer = Screen | Form | Choices | Post | Tried | Watch | Document


def line(*pieces: Piece) -> Line:
    return pieces


def told(*lines: str, title: str = "", rows: tuple[Row, ...] = ()) -> Screen:
    """A screen of plain sentences."""
    return Screen(tuple((each,) for each in lines), title, rows)
