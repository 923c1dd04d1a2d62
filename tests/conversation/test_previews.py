"""A preview's buttons do what it shows: an older one is refused, and one that is used says so."""

import pytest

from bots.conversation.actions import Action
from bots.conversation.screens import ChannelMenu, Watch
from core.db.models import Draft, Event, Notification
from tests.conversation.conftest import Server, button, buttons, form, menu, post, screen, words

SINCE = "This preview was changed since."


async def test_an_older_preview_does_nothing_and_shows_what_is_meant_now(server: Server) -> None:
    old = await server.alice.says("event create", name="Quiz", when="tomorrow 7pm")
    edit = form(await server.alice.presses(button(old, "Edit")))
    await server.alice.sends(edit, name="Big quiz", when="tomorrow 9pm")
    (picker,) = [row for row in screen(old).rows if isinstance(row, ChannelMenu)]
    presses = [each.action for each in buttons(old) if each.action is not None]
    for each in (*presses, picker.action):
        said = await server.alice.presses(each, **({"picked": "2002"} if each is picker.action else {}))
        assert words(said).startswith(f"New event\n{SINCE} This is how it is now:\nBig quiz\n")
    assert await server.rows(Event) == []
    assert len(await server.rows(Draft)) == 1
    card = post(await server.alice.presses(button(said, "Post in #general")))
    assert card.card.name == "Big quiz"


async def test_a_preview_that_shows_what_is_meant_again_is_pressed_again(server: Server) -> None:
    first = await server.alice.says("event create", name="Quiz", when="tomorrow 7pm", visibility="public")
    hidden = await server.alice.presses(button(first, "Make it private"))
    assert SINCE in words(await server.alice.presses(button(first, "Don't post")))
    await server.alice.presses(button(hidden, "Make it public"))
    assert SINCE in words(await server.alice.presses(button(hidden, "Don't post")))
    assert "Created." in words(await server.alice.presses(button(first, "Don't post")))


async def test_a_preview_that_was_changed_to_what_was_refused_leads_back_to_the_form(server: Server) -> None:
    old = await server.alice.says("event create", name="Quiz", when="tomorrow 7pm")
    edit = form(await server.alice.presses(button(old, "Edit")))
    await server.alice.sends(edit, when="someday")
    said = await server.alice.presses(button(old, "Post in #general"))
    assert words(said) == SINCE
    again = form(await server.alice.presses(button(said, "Change")))
    assert {each.name: each.value for each in again.fields}["when"] == "someday"


@pytest.mark.parametrize("label", ["Edit", "Make it private", "Discard", "Don't post"])
async def test_a_preview_that_is_used_leads_to_its_event(server: Server, label: str) -> None:
    preview = await server.alice.says("event create", name="Quiz", when="tomorrow 7pm")
    await server.alice.presses(button(preview, "Don't post"))
    said = await server.alice.presses(button(preview, label))
    assert (words(said), [each.label for each in buttons(said)]) == ("Created already.", ["Edit event", "Details"])
    (event,) = await server.rows(Event)
    assert (event.name, event.is_public) == ("Quiz", True)
    assert form(await server.alice.presses(button(said, "Edit event"))).title == "Edit event"


async def test_a_form_that_stood_open_while_its_event_was_created_says_so(server: Server) -> None:
    preview = await server.alice.says("event create", name="Quiz", when="tomorrow 7pm")
    edit = form(await server.alice.presses(button(preview, "Edit")))
    await server.alice.presses(button(preview, "Don't post"))
    assert words(await server.alice.sends(edit, name="Late")) == "Created already."


async def test_what_was_created_is_posted_from_the_preview_that_shows_it_and_from_no_older_one(
    server: Server,
) -> None:
    old = await server.alice.says("event create", name="Quiz", when="tomorrow 7pm")
    edit = form(await server.alice.presses(button(old, "Edit")))
    new = await server.alice.sends(edit, name="Big quiz")
    await server.alice.presses(button(new, "Don't post"))
    assert words(await server.alice.presses(button(old, "Post in #general"))) == "Created already."
    assert post(await server.alice.presses(button(new, "Post in #general"))).card.name == "Big quiz"
    assert len(await server.rows(Event)) == 1


async def test_an_older_preview_of_a_message_sends_nothing_and_shows_the_newer_words(server: Server) -> None:
    event = await server.event()
    await server.bob.presses(Action("subscribe", event))
    old = await server.alice.says("event notify", event=event, message="Doors at six.")
    edit = form(await server.alice.presses(button(old, "Edit")))
    await server.alice.sends(edit, body="Doors at seven.")
    for label in ("Send to 1", "Send only to me", "Choose people", "Edit", "Discard"):
        said = await server.alice.presses(button(old, label))
        assert SINCE in words(said)
        assert "Doors at seven." in words(said)
    assert "message" not in [row.kind for row in await server.rows(Notification)]
    assert isinstance(await server.alice.presses(button(said, "Send to 1")), Watch)


async def test_a_message_that_was_sent_is_not_edited_or_discarded_any_more(server: Server) -> None:
    event = await server.event()
    await server.bob.presses(Action("subscribe", event))
    preview = await server.alice.says("event notify", event=event, message="Doors at six.")
    edit = form(await server.alice.presses(button(preview, "Edit")))
    people = menu(await server.alice.presses(button(preview, "Choose people")))
    assert isinstance(await server.alice.presses(button(preview, "Send to 1")), Watch)
    for label in ("Send to 1", "Edit", "Choose people", "Send only to me", "Discard"):
        assert "Already sent at" in words(await server.alice.presses(button(preview, label)))
    assert "Already sent at" in words(await server.alice.sends(edit, body="Too late."))
    assert "Already sent at" in words(await server.alice.presses(people, picked=people.choices[0].value))
