"""The conversation as its people have it: typed, pressed, read."""

import datetime as dt

import pytest
from sqlalchemy import select

from bots.conversation.actions import Action
from bots.conversation.screens import Watch
from core.db.models import Delivery, Event, Notification, Subscription, User
from tests.conversation.conftest import (
    GENERAL,
    OTHER,
    Server,
    button,
    buttons,
    done_event,
    form,
    menu,
    post,
    words,
)
from tests.core.look import rows


async def test_an_event_is_typed_looked_at_and_posted_once(server: Server) -> None:
    preview = await server.alice.says("event create", name="Launch party", when="tomorrow 7pm", duration="2h")
    assert "Launch party" in words(preview)
    assert "🌐 Anyone with the link" in words(preview)
    assert await server.rows(Event) == []
    card = post(await server.alice.presses(button(preview, "Post in #general")))
    assert (card.space.channel_id, card.card.name) == (GENERAL, "Launch party")
    said = await server.desk.posted(server.alice.speaker(), card, "9001")
    assert words(said) == "Posted Launch party in <channel 2001>. The card changes with the event."
    again = await server.alice.presses(button(preview, "Post in #general"))
    assert "posted there already" in words(again)
    (event,) = await server.rows(Event)
    assert event.end_date - event.start_date == dt.timedelta(hours=2)


async def test_a_form_is_asked_for_when_something_is_missing_and_keeps_what_was_typed(server: Server) -> None:
    asked = form(await server.alice.says("event create", name="Quiz"))
    assert {each.name: each.value for each in asked.fields}["name"] == "Quiz"
    preview = await server.alice.sends(asked, when="fri 7pm", where="The pub")
    assert "The pub" in words(preview)
    changed = form(await server.alice.presses(button(preview, "Edit")))
    assert {each.name: each.value for each in changed.fields}["where"] == "The pub"
    later = await server.alice.sends(changed, name="Big quiz")
    assert "Big quiz" in words(later)
    done = await server.alice.presses(button(later, "Don't post"))
    assert "Big quiz" in words(done)
    (event,) = await server.rows(Event)
    assert event.name == "Big quiz"


@pytest.mark.parametrize(
    ("when", "answer"),
    [
        ("yesterday 5pm", "past"),
        ("friday", "time"),
        ("at 7", "two times"),
        ("blub", ""),
    ],
)
async def test_a_time_that_is_not_clear_is_asked_about_and_nothing_is_created(
    server: Server, when: str, answer: str
) -> None:
    said = await server.alice.says("event create", name="Quiz", when=when)
    assert answer in words(said)
    assert await server.rows(Event) == []
    again = form(await server.alice.presses(button(said, "Change")))
    assert "Mon" in words(await server.alice.sends(again, when="monday 7pm"))


async def test_the_reading_is_offered_while_it_is_typed(server: Server) -> None:
    ((label, value),) = await server.alice.offered("event create", "when", "tomorrow 7pm")
    assert "19:00" in label
    preview = await server.alice.says("event create", name="Quiz", when=value)
    assert "Quiz" in words(preview)
    assert await server.alice.offered("event create", "when", "") == []


async def test_one_press_subscribes_and_a_second_says_so(server: Server) -> None:
    event = await server.event()
    press = Action("subscribe", event)
    first = await server.bob.presses(press)
    assert "You'll hear about Film night here by direct message" in words(first)
    second = await server.bob.presses(press)
    assert "already subscribed by Discord DM" in words(second)
    left = await server.bob.presses(button(second, "Unsubscribe"))
    assert words(left) == "Done, no more messages about Film night."
    back = await server.bob.presses(button(left, "Undo"))
    assert words(back) == "You are back."
    (row,) = await rows(server.town.core, select(Subscription).where(Subscription.user_id.is_not(None)))
    assert row.state == "active"


async def test_a_redelivered_press_does_nothing_twice(server: Server) -> None:
    event = await server.event()
    for _ in range(2):
        said = await server.bob.presses(Action("subscribe", event), key="same")
        assert "You'll hear about" in words(said)
    (row,) = await rows(server.town.core, select(Subscription))
    assert row.state == "active"


async def test_a_change_is_shown_before_it_is_told(server: Server) -> None:
    event = await server.event()
    await server.bob.presses(Action("subscribe", event))
    opened = form(await server.alice.says("event edit", event=event))
    preview = await server.alice.sends(opened, when="in 3 days 8pm")
    assert "Moved from" in words(preview)
    assert "1 person will be told and reminders move too." in words(preview)
    save = button(preview, "Save and tell them")
    assert "1 person is being told" in words(await server.alice.presses(save))
    assert words(await server.alice.presses(save)) == "Saved already."
    unchanged = form(await server.alice.says("event edit", event=event))
    assert words(await server.alice.sends(unchanged)) == "Nothing changed."
    quiet = await server.alice.sends(unchanged, description="Bring a chair.")
    assert "We tell nobody about a new text" in words(quiet)
    assert "Nobody is told." in words(await server.alice.presses(button(quiet, "Save")))


async def test_an_edit_of_an_older_form_is_refused(server: Server) -> None:
    event = await server.event()
    opened = form(await server.alice.says("event edit", event=event))
    first = await server.alice.sends(opened, name="New name")
    await server.alice.presses(button(first, "Save"))
    second = await server.alice.sends(opened, where="Elsewhere")
    assert "Somebody changed this event" in words(second)
    again = form(await server.alice.presses(button(second, "Change")))
    third = await server.alice.sends(again, name="New name")
    assert "Elsewhere" in words(third)
    assert "New name" not in words(third)
    assert "Saved." in words(await server.alice.presses(button(third, "Save and tell them")))


async def test_a_preview_of_an_edit_that_came_too_late_is_refused_and_keeps_only_its_own_words(server: Server) -> None:
    event = await server.event()
    opened = form(await server.alice.says("event edit", event=event))
    late = await server.alice.sends(opened, where="Elsewhere")
    first = await server.alice.sends(opened, name="New name")
    await server.alice.presses(button(first, "Save"))
    said = await server.alice.presses(button(late, "Save and tell them"))
    assert "Somebody changed this event" in words(said)
    again = form(await server.alice.presses(button(said, "Change")))
    assert {each.name: each.value for each in again.fields}["name"] == "New name"
    assert "New name" not in words(await server.alice.sends(again))


async def test_what_an_edit_typed_is_in_the_form_again_when_it_was_refused_or_went_back(server: Server) -> None:
    event = await server.event()
    opened = form(await server.alice.says("event edit", event=event))
    refused = await server.alice.sends(opened, when="yesterday", description="A long text that nobody types twice.")
    again = form(await server.alice.presses(button(refused, "Change")))
    preview = await server.alice.sends(again, when="in 3 days 8pm")
    assert "New description." in words(preview)
    back = form(await server.alice.presses(button(preview, "Back")))
    assert {each.name: each.value for each in back.fields}["description"] == "A long text that nobody types twice."


async def test_a_private_event_stays_private_when_its_preview_is_edited(server: Server) -> None:
    preview = await server.alice.says("event create", name="Quiz", when="fri 7pm", visibility="private")
    changed = form(await server.alice.presses(button(preview, "Edit")))
    done = await server.alice.sends(changed, name="Big quiz")
    assert "Invited people only" in words(done)


@pytest.mark.parametrize(
    ("when", "heard"),
    [
        ("in 3 days 8pm", "1 day before, 1 hour before, and when the organizer writes."),
        ("in 90 minutes", "1 hour before, and when the organizer writes."),
        ("in 30 minutes", "when the organizer writes."),
    ],
)
async def test_only_reminders_that_will_come_are_promised(server: Server, when: str, heard: str) -> None:
    preview = await server.alice.says("event create", name="Quiz", when=when)
    assert f"Followers hear {heard}" in words(preview)
    event = done_event(await server.alice.presses(button(preview, "Don't post")))
    assert f"here by direct message: {heard}" in words(await server.bob.presses(Action("subscribe", event)))


async def test_calling_off_is_asked_and_then_done(server: Server) -> None:
    event = await server.event()
    asked = await server.alice.says("event cancel", event=event, reason="venue flooded")
    assert "This can't be undone" in words(asked)
    done = await server.alice.presses(button(asked, "Cancel the event"))
    assert "is cancelled" in words(done)
    assert "cancelled: venue flooded" in words(await server.bob.says("event show", event=event))
    assert "cancelled already" in words(await server.alice.says("event cancel", event=event))


async def test_a_form_and_a_preview_that_stood_open_while_the_event_was_called_off_say_so(server: Server) -> None:
    event = await server.event()
    opened = form(await server.alice.says("event edit", event=event))
    preview = await server.alice.sends(opened, when="in 3 days 8pm")
    await server.alice.presses(button(await server.alice.says("event cancel", event=event), "Cancel the event"))
    for late in (
        await server.alice.sends(opened, when="in 4 days 8pm"),
        await server.alice.presses(button(preview, "Save and tell them")),
        await server.alice.presses(button(preview, "Back")),
    ):
        assert words(late) == "Film night is cancelled: it can no longer be changed."
        assert buttons(late) == []


async def test_a_message_is_previewed_sent_once_and_reported(server: Server) -> None:
    event = await server.event()
    await server.bob.presses(Action("subscribe", event))
    preview = await server.alice.says("event notify", event=event, message="Doors open at six.")
    assert "Preview · to everyone (1 subscriber: 1 Discord DM)" in words(preview)
    send = button(preview, "Send to 1")
    watching = await server.alice.presses(send)
    assert isinstance(watching, Watch)
    first = await anext(watching.screens)
    assert words(first) == "Sending… 0 of 1"
    again = await server.alice.presses(send)
    assert "Already sent at" in words(again)
    messages = await rows(server.town.core, select(Notification).where(Notification.kind == "message"))
    assert len(messages) == 1
    assert "waiting 1" in words(await server.alice.says("event report", event=event))


async def test_chosen_people_alone_get_a_message(server: Server) -> None:
    event = await server.event()
    for who in (server.bob, server.carol):
        await who.presses(Action("subscribe", event))
    preview = await server.alice.says("event notify", event=event, message="For you.")
    picking = menu(await server.alice.presses(button(preview, "Choose people")))
    bobs = next(each.value for each in picking.choices if "Bob" in each.label)
    chosen = await server.alice.presses(picking, picked=bobs)
    assert "to 1 chosen" in words(chosen)
    await server.alice.presses(button(chosen, "Send to 1"))
    found = await rows(server.town.core, select(Delivery).join(Notification).where(Notification.kind == "message"))
    assert [each.label for each in found] == ["Bob by Discord DM"]


async def test_lists_are_turned_and_hold_what_was_announced_here(server: Server) -> None:
    for number in range(7):
        event = await server.event(name=f"Night {number}")
    first = await server.alice.says("event list", which="mine")
    assert "Yours · 1-5 of 7" in words(first)
    assert "Yours · 6-7 of 7" in words(await server.alice.presses(button(first, "▶")))
    assert "No events yet." in words(await server.bob.says("event list"))
    card = post(await server.alice.presses(Action("post", event)))
    await server.desk.posted(server.alice.speaker(), card, "9002")
    assert "Night 6" in words(await server.bob.says("event list"))
    assert "Night 6" in words(await server.bob.presses(menu(await server.bob.says("event list")), picked=event))
    server.bob.channel = OTHER
    assert "No events yet." in words(await server.bob.says("event list", which="here"))


async def test_an_event_may_be_typed_by_its_name_or_its_pages_address(server: Server) -> None:
    night, ball = await server.event(name="Film night"), await server.event(name="Film ball")
    for typed in ("film night", "Film n", f"http://soonish.test/e/{night}", night):
        assert "Film night" in words(await server.alice.says("event show", event=typed)), typed
    several = await server.alice.says("event edit", event="Film")
    pick = menu(several)
    assert {each.value for each in pick.choices} == {night, ball}
    assert form(await server.alice.presses(pick, picked=ball)).title
    assert "There is no such event" in words(await server.mallory.says("event show", event="Film night"))
    assert "Europe/Berlin" in words(await server.bob.says("me timezone", zone="berlin"))


async def test_what_is_completed_while_somebody_types_makes_no_account(server: Server) -> None:
    event = await server.event()
    card = post(await server.alice.presses(Action("post", event)))
    await server.desk.posted(server.alice.speaker(), card, "9001")
    before = len(await server.rows(User))
    assert [value for _, value in await server.mallory.offered("event show", "event", "film")] == [event]
    assert await server.mallory.offered("event create", "when", "tomorrow 7pm")
    assert await server.mallory.offered("event subscribe", "via", "") == []
    assert len(await server.rows(User)) == before


async def test_rubbish_is_answered_kindly(server: Server) -> None:
    for pressed in (
        "",
        "soonish",
        "soonish:",
        "soonish:nothing",
        "x:y",
        "soonish:details:a:b:c",
        "soonish:save:zzz:x,y",
    ):
        said = await server.desk.press(server.bob.speaker(), pressed)
        assert words(said)
        assert "Reference" not in words(said)
    assert "Create an event" in words(await server.bob.says("soonish nonsense"))
