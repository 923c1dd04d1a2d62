"""Who may do what, asked at every command and press."""

import pytest

from bots.conversation.actions import Action
from bots.conversation.screens import Watch
from core.db.models import Delivery, Event, Notification
from tests.conversation.conftest import (
    OTHER,
    Server,
    button,
    buttons,
    form,
    post,
    words,
)


async def test_who_may_not_create_here_does_not(server: Server) -> None:
    for who in (server.bob, server.mallory):
        said = await who.says("event create", name="Mine", when="tomorrow 7pm")
        assert "Only people who manage events" in words(said)
    server.alice.administers = True
    await server.alice.says("soonish settings", organizer_role="55")
    server.bob.roles = frozenset({"55"})
    assert "Mine" in words(await server.bob.says("event create", name="Mine", when="tomorrow 7pm"))


async def test_a_right_that_was_taken_away_is_gone_at_the_next_press(server: Server) -> None:
    preview = await server.alice.says("event create", name="Mine", when="tomorrow 7pm")
    server.alice.manages_events = False
    assert "Only people who manage events" in words(await server.alice.presses(button(preview, "Don't post")))
    assert await server.rows(Event) == []


@pytest.mark.parametrize("command", ["edit", "cancel", "notify", "invite", "subscribers", "report"])
async def test_members_do_none_of_what_is_the_organizers(server: Server, command: str) -> None:
    event = await server.event()
    said = await server.bob.says(f"event {command}", event=event, message="Hello")
    assert words(said) == "Only the organizers of Film night do this."


@pytest.mark.parametrize("command", ["show", "subscribe", "unsubscribe", "edit", "cancel", "notify", "report"])
async def test_a_private_event_is_not_there_for_strangers(server: Server, command: str) -> None:
    event = await server.event(visibility="private")
    said = await server.mallory.says(f"event {command}", event=event, message="Hello")
    assert "There is no such event." in words(said)
    assert "Film night" not in words(said)
    assert await server.mallory.offered("event show", "event", "Film") == []
    assert "Film night" not in words(await server.mallory.says("event list"))


async def test_a_role_is_asked_to_organize_and_does_from_its_next_press_until_it_is_lost(server: Server) -> None:
    event = await server.event()
    await server.mallory.presses(Action("subscribe", event))
    said = await server.alice.says("event invite", event=event, role="77", to="organize")
    assert "Everybody with that role organizes it with you" in words(said)
    server.bob.roles = frozenset({"77"})
    assert any(each.label == "Write to everybody" for each in buttons(await server.bob.says("event show", event=event)))
    assert "Only the organizers" in words(await server.carol.says("event report", event=event))
    server.carol.roles = frozenset({"77"})
    assert "Preview · to everyone" in words(await server.carol.says("event notify", event=event, message="Doors open."))
    assert "Only the owner" in words(await server.bob.says("event invite", event=event, role="78", to="organize"))
    server.carol.roles = frozenset()
    assert "Only the organizers" in words(await server.carol.says("event notify", event=event, message="Doors open."))
    server.carol.roles = frozenset({"77"})
    assert "Preview" in words(await server.carol.says("event notify", event=event, message="Doors open."))


async def test_a_member_is_asked_to_organize_a_private_event(server: Server) -> None:
    event = await server.event(visibility="private")
    said = await server.alice.says("event invite", event=event, member=server.bob.external_id, to="organize")
    assert "organizes it with you from their next press on" in words(said)
    assert form(await server.bob.says("event edit", event=event)).title
    assert "There is no such event." in words(await server.carol.says("event edit", event=event))
    assert "Say who" in words(await server.alice.says("event invite", event=event, to="organize"))


async def test_a_private_events_card_lets_its_channel_in_once_it_stands_there(server: Server) -> None:
    preview = await server.alice.says("event create", name="Secret", when="tomorrow 7pm", visibility="private")
    card = post(await server.alice.presses(button(preview, "Post in #general")))
    assert card.card.name == "Secret"
    press = Action("subscribe", card.card.event_id)
    assert "no such event" in words(await server.bob.presses(press))
    await server.desk.posted(server.alice.speaker(), card, "9001")
    server.mallory.channel = OTHER
    assert "no such event" in words(await server.mallory.presses(press))
    assert "You'll hear about Secret" in words(await server.bob.presses(press))


async def test_other_peoples_buttons_do_nothing_for_mallory(server: Server) -> None:
    """Everything that was pressed in a story is pressed again by somebody whose it is not."""
    event = await server.event()
    await server.bob.presses(Action("subscribe", event))
    preview = await server.alice.says("event notify", event=event, message="Doors.")
    edit = await server.alice.sends(form(await server.alice.says("event edit", event=event)), name="New")
    cancel = await server.alice.says("event cancel", event=event)
    fresh = await server.alice.says("event create", name="Mine", when="tomorrow 7pm")
    before = {table: len(await server.rows(table)) for table in (Event, Notification, Delivery)}
    server.mallory.manages_events = True
    for each in (*buttons(preview), *buttons(edit), *buttons(cancel), *buttons(fresh)):
        if each.action is not None:
            said = await server.mallory.presses(each)
            assert not isinstance(said, Watch)
    after = {table: len(await server.rows(table)) for table in (Event, Notification, Delivery)}
    assert after == before
