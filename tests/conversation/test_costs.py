"""What a press asks of the database: bounded, because everybody who presses waits for it."""

from collections.abc import Awaitable, Callable

import pytest

from bots.conversation.actions import Action
from bots.conversation.screens import Answer
from tests.conversation.conftest import Member, Server, post, screen, words
from tests.core.look import statements, transactions

pytestmark = pytest.mark.both_databases

Press = Callable[[Server, str], Awaitable[Answer]]


def _presses(who: Callable[[Server], Member], verb: str) -> Press:
    return lambda server, event: who(server).presses(Action(verb, event))


def _alice(server: Server) -> Member:
    return server.alice


def _bob(server: Server) -> Member:
    """Follows the event by direct message."""
    return server.bob


def _mallory(server: Server) -> Member:
    """Never pressed anything."""
    return server.mallory


COSTS: list[tuple[str, int, int, str, Press]] = [
    ("Subscribe, the first press of all", 24, 6, "You'll hear about", _presses(_mallory, "subscribe")),
    ("Subscribe, once more", 4, 3, "already subscribed", _presses(_bob, "subscribe")),
    ("Details, by somebody new", 2, 2, "Film night", _presses(_mallory, "details")),
    ("Details, by who follows it", 3, 2, "You hear about it by", _presses(_bob, "details")),
    ("Details, by its organizer", 4, 3, "Film night", _presses(_alice, "details")),
    ("Change", 3, 2, "You hear about", _presses(_bob, "change")),
    ("the list, by somebody new", 3, 2, "Film night", lambda server, _: server.mallory.says("event list")),
    ("the list", 3, 2, "Film night", lambda server, _: server.bob.says("event list")),
    ("show, by an id", 5, 3, "Film night", lambda server, event: server.bob.says("event show", event=event)),
    ("Subscribers, by the organizer", 6, 4, "1 subscriber", _presses(_alice, "subscribers")),
    ("Cancel, which asks first", 8, 3, "This can't be undone", _presses(_alice, "cancel")),
]


@pytest.mark.parametrize(("what", "asks", "transactions_", "says", "press"), COSTS, ids=[each[0] for each in COSTS])
async def test_a_press_asks_the_database_at_most_so_often(
    server: Server, what: str, asks: int, transactions_: int, says: str, press: Press
) -> None:
    event = await _posted(server)
    await server.bob.presses(Action("subscribe", event))
    with statements(server.town.core) as asked, transactions(server.town.core) as begun:
        answer = await press(server, event)
    assert says in words(answer)
    # PostgreSQL holds the account of who writes by a statement of its own, and the event while it is joined.
    locks = 0 if server.town.core.db.sqlite else sum("INSERT INTO audit_log" in each for each in asked)
    assert len(asked) <= asks + locks, "\n".join(asked)
    assert len(begun) <= transactions_


@pytest.mark.parametrize("verb", ["edit", "notify"])
async def test_a_form_of_an_organizer_opens_after_two_questions_to_the_database(server: Server, verb: str) -> None:
    event = await _posted(server)
    with statements(server.town.core) as asked:
        await server.alice.presses(Action(verb, event))
    assert len(asked) == 2, "\n".join(asked)


async def test_who_only_looks_makes_no_account_and_waits_for_nobodys_writes(server: Server) -> None:
    event = await _posted(server)
    with statements(server.town.core) as asked:
        await server.mallory.presses(Action("details", event))
        await server.mallory.says("event list")
        await server.mallory.offered("event show", "event", "film")
    assert [each for each in asked if not each.startswith("SELECT")] == []


async def _posted(server: Server) -> str:
    """The id of an event of Alice's with a card in the channel."""
    event = await server.event()
    card = post(await server.alice.presses(Action("post", event)))
    assert "Posted" in words(screen(await server.desk.posted(server.alice.speaker(), card, "m1")))
    return event
