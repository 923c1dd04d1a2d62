"""Who may do what, asked at every command and press."""

import pytest

from bots.conversation.actions import Action
from bots.conversation.screens import Watch
from core.cards.model import CALENDAR
from core.db.models import Delivery, Event, Notification
from tests.conversation.conftest import (
    OTHER,
    STAFF,
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


async def _posted_in(server: Server, channel: str, name: str) -> str:
    """The id of an event whose card Alice posted there."""
    server.alice.channel = channel
    event = await server.event(name=name)
    card = post(await server.alice.presses(Action("post", event)))
    await server.desk.posted(server.alice.speaker(), card, f"9{event}")
    return event


async def test_a_public_event_is_listed_to_who_may_look_into_a_channel_of_its_card(server: Server) -> None:
    event = await _posted_in(server, STAFF, "Staff party")
    server.bob.hidden = server.alice.hidden = frozenset({STAFF})
    assert "No events yet." in words(await server.bob.says("event list"))
    assert await server.bob.offered("event show", "event", "staff") == []
    assert "Staff party" in words(await server.carol.says("event list"))
    assert [value for _, value in await server.carol.offered("event show", "event", "staff")] == [event]
    assert "Staff party" in words(await server.alice.says("event list"))  # hers, wherever it stands
    assert "Staff party" in words(await server.bob.says("event show", event=event))  # whoever has the link
    await server.bob.presses(Action("subscribe", event))
    assert "Staff party" in words(await server.bob.says("event list"))  # what one follows
    server.mallory.hidden, server.mallory.channel = frozenset({STAFF}), STAFF
    assert "Staff party" in words(await server.mallory.says("event list"))  # where one is


async def test_cards_in_two_channels_are_seen_by_who_may_look_into_one_of_them(server: Server) -> None:
    server.bob.hidden = frozenset({STAFF})
    await _posted_in(server, STAFF, "Staff party")
    film = await _posted_in(server, OTHER, "Film night")
    server.alice.channel = STAFF
    card = post(await server.alice.presses(Action("post", film)))
    await server.desk.posted(server.alice.speaker(), card, "9002")
    listed = words(await server.bob.says("event list"))
    assert ("Film night" in listed, "Staff party" in listed) == (True, False)
    assert "1-1 of 1" in listed


async def test_a_card_among_the_servers_own_events_is_before_everybody_in_it(server: Server) -> None:
    event = await server.event(name="Summer fair")
    card = post(await server.alice.presses(Action("calendar", event)))
    await server.desk.posted(server.alice.speaker(), card, "9001")
    server.bob.hidden = frozenset({CALENDAR})
    assert "Summer fair" in words(await server.bob.says("event list"))


async def test_where_the_platform_does_not_tell_who_sees_a_channel_the_organizer_reads_who_finds_it(
    server: Server,
) -> None:
    server.alice.hidden = server.bob.hidden = None
    said = "Post it in any channel, and everybody in this server finds it with /event list."
    preview = await server.alice.says("event create", name="Film night", when="tomorrow 7pm")
    assert said in words(preview)
    secret = await server.alice.says("event create", name="Secret", when="tomorrow 7pm", visibility="private")
    assert said not in words(secret)
    server.alice.hidden = frozenset()
    told = await server.alice.says("event create", name="Film night", when="tomorrow 7pm")
    assert said not in words(told)
    await _posted_in(server, STAFF, "Staff party")
    assert "Staff party" in words(await server.bob.says("event list"))
