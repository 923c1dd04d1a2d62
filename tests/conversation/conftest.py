"""The conversation with a real core under it, and people who speak in it as a platform would sign them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from sqlalchemy import select

from bots.conversation.actions import Action
from bots.conversation.desk import Desk
from bots.conversation.screens import Answer, Button, Form, Line, Mention, Menu, Post, Screen, Tried
from bots.conversation.speaker import Speaker
from core.db.models import Base
from core.identities.signed import Place, SignedIdentity
from core.wiring import build_outbound
from tests.people import Town
from tests.web.conftest import RecordingSender

SERVER, GENERAL, OTHER, STAFF = "1001", "2001", "2002", "2003"


@dataclass
class Member:
    """Somebody in a server, and what they may do there."""

    desk: Desk
    numbers: Iterator[int]
    external_id: str
    name: str
    manages_events: bool = False
    administers: bool = False
    roles: frozenset[str] = frozenset()
    server: str | None = SERVER
    channel: str = GENERAL
    hidden: frozenset[str] | None = frozenset()
    """Channels that they may not look into; None where the platform does not tell."""

    def speaker(self, key: str | None = None) -> Speaker:
        place, hidden = Place(self.server, self.channel, self.roles) if self.server is not None else None, self.hidden
        return Speaker(
            SignedIdentity("discord", "", self.external_id, self.name, place),
            key or f"i{next(self.numbers)}",
            space_name="#general",
            sees=None if hidden is None else lambda channel: channel not in hidden,
            locale="en-GB",
            manages_events=self.manages_events,
            administers=self.administers,
        )

    async def says(self, command: str, *, key: str | None = None, **given: str) -> Answer:
        """`event list`, with its options."""
        group, _, name = command.partition(" ")
        return await self.desk.command(self.speaker(key), group, name, given)

    async def presses(self, what: Button | Menu | Action, *, key: str | None = None, **given: str) -> Answer:
        action = what if isinstance(what, Action) else what.action
        assert action is not None
        return await self.desk.press(self.speaker(key), str(action), given)

    async def sends(self, form: Form, *, key: str | None = None, **typed: str) -> Answer:
        """The form with what is typed over what stands in it."""
        return await self.presses(form.action, key=key, **({each.name: each.value for each in form.fields} | typed))

    async def offered(self, command: str, option: str, text: str) -> list[tuple[str, str]]:
        group, _, name = command.partition(" ")
        found = await self.desk.complete(self.speaker(), group, name, option, text, {})
        return [(each.label, each.value) for each in found.items]


@dataclass
class Server:
    """Alice manages events; Bob and Carol are members; Mallory is nobody's friend."""

    town: Town
    desk: Desk
    sender: RecordingSender
    alice: Member
    bob: Member
    carol: Member
    mallory: Member

    async def rows(self, table: type[Base]) -> list[Any]:
        async with self.town.core.db.read() as session:
            return list(await session.scalars(select(table)))

    async def event(self, who: Member | None = None, **given: str) -> str:
        """The id of an event that Alice created by typing and pressing."""
        who = who or self.alice
        preview = screen(await who.says("event create", **({"name": "Film night", "when": "tomorrow 7pm"} | given)))
        done = screen(await who.presses(button(preview, "Don't post")))
        return done_event(done)


@pytest.fixture
def server(town: Town) -> Server:
    sender = RecordingSender()
    outbound = build_outbound(town.core)
    desk = Desk(town.core, replace(outbound, sender=cast("Any", sender)))
    cast("Any", sender).discord = outbound.sender.discord  # without a token, so that Discord says nothing of a card
    numbers = iter(range(1, 100_000))
    members = [Member(desk, numbers, str(100 + at), name) for at, name in enumerate(("Alice", "Bob", "Carol", "Mal"))]
    members[0].manages_events = True
    alice, bob, carol, mallory = members
    return Server(town, desk, sender, alice, bob, carol, mallory)


def screen(answer: Answer) -> Screen:
    if isinstance(answer, Tried):
        return answer.screen
    assert isinstance(answer, Screen), answer
    return answer


def form(answer: Answer) -> Form:
    assert isinstance(answer, Form), answer
    return answer


def post(answer: Answer) -> Post:
    assert isinstance(answer, Post), answer
    return answer


def words(answer: Answer) -> str:
    """Everything that is to be read, links and fallbacks of times included."""
    shown = screen(answer)
    return "\n".join(filter(None, [shown.title, *(_line(each) for each in shown.lines)]))


def _line(pieces: Line) -> str:
    return "".join(piece if isinstance(piece, str) else _said(piece) for piece in pieces)


def _said(piece: object) -> str:
    if isinstance(piece, Mention):
        return f"<{piece.what} {piece.external_id}>"
    return str(getattr(piece, "words", None) or getattr(piece, "fallback", ""))


def buttons(answer: Answer) -> list[Button]:
    return [each for row in screen(answer).rows if isinstance(row, tuple) for each in row]


def button(answer: Answer, label: str) -> Button:
    """By its label, or else by a part of it."""
    exactly = [each for each in buttons(answer) if each.label == label]
    (found,) = exactly or [each for each in buttons(answer) if label in each.label]
    return found


def menu(answer: Answer) -> Menu:
    (found,) = [row for row in screen(answer).rows if isinstance(row, Menu)]
    return found


def done_event(answer: Answer) -> str:
    """The public id in the buttons of a screen about an event."""
    (found,) = {each.action.event for each in buttons(answer) if each.action is not None and each.action.event}
    return found
