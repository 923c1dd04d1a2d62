"""Writing to everybody in chat: what was typed is not lost, and the preview stays until it is done with."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from bots.conversation.actions import Action
from bots.conversation.screens import Form, Screen, Watch
from bots.conversation.verbs import writing
from core.db.models import Delivery, Notification
from tests.conversation.conftest import Server, button, buttons, form, screen, words
from tests.core.look import rows

PASTED = "اتصل \u2068+49 30 123\u2069 الآن"


def typed_in(asked: Form) -> str:
    return "\n".join(each.value for each in asked.fields)


@pytest.fixture
async def event(server: Server) -> str:
    """One that Bob follows."""
    found = await server.event()
    await server.bob.presses(Action("subscribe", found))
    return found


async def test_a_refused_message_is_in_the_form_again(server: Server, event: str) -> None:
    refused = await server.alice.says("event notify", event=event, message="Doors at six. \u202e")
    assert words(refused) == "Message: Contains control characters."
    again = form(await server.alice.presses(button(refused, "Change")))
    assert typed_in(again) == "Doors at six. \u202e"
    preview = await server.alice.sends(again, body="Doors at six.")
    assert "Doors at six." in words(preview)


async def test_a_message_that_is_refused_behind_edit_is_in_the_form_again_and_goes_to_whom_was_chosen(
    server: Server, event: str
) -> None:
    await server.carol.presses(Action("subscribe", event))
    preview = await server.alice.says("event notify", event=event, message="Doors at six.")
    number = button(preview, "Send to 2").action
    assert number is not None
    people = screen(await server.alice.presses(button(preview, "Choose people")))
    bob = next(each.value for row in people.rows for each in getattr(row, "choices", ()) if "Bob" in each.label)
    chosen = await server.alice.presses(Action("chosen", event, number.more), picked=bob)
    edit = form(await server.alice.presses(button(chosen, "Edit")))
    refused = await server.alice.sends(edit, body="x" * 4_001)
    again = form(await server.alice.presses(button(refused, "Change")))
    assert typed_in(again).replace("\n", "") == "x" * 4_001
    assert "to 1 chosen" in words(await server.alice.sends(again, body="Doors at seven.", rest=""))


async def test_a_message_longer_than_a_form_comes_back_whole_in_two_fields(server: Server, event: str) -> None:
    message = ("All of this has to be said. " * 160).strip()
    refused = await server.alice.says("event notify", event=event, message=message)
    assert words(refused) == "Message: At most 4000 characters."
    again = form(await server.alice.presses(button(refused, "Change")))
    assert [len(each.value) <= 4_000 for each in again.fields] == [True, True]
    assert typed_in(again).split() == message.split()
    shorter = await server.alice.sends(again, body=again.fields[0].value[:3_000], rest="The end.")
    assert "The end." in words(shorter)


async def test_a_number_that_was_pasted_with_its_marks_is_sent_as_it_is(server: Server, event: str) -> None:
    preview = await server.alice.says("event notify", event=event, message=PASTED)
    await server.alice.presses(button(preview, "Send to 1"))
    (message,) = [each for each in await server.rows(Notification) if each.kind == "message"]
    assert message.body == PASTED


async def test_a_reason_that_is_too_long_is_in_the_form_again(server: Server, event: str) -> None:
    reason = ("The venue is flooded. " * 41).strip()
    refused = await server.alice.says("event cancel", event=event, reason=reason)
    assert words(refused) == "Reason: At most 300 characters."
    again = form(await server.alice.presses(button(refused, "Change")))
    assert typed_in(again) == reason
    assert "Reason: Flooded." in words(await server.alice.sends(again, reason="Flooded."))


async def test_who_may_not_write_is_refused_before_typing(server: Server, event: str) -> None:
    for press in ("notify", "cancel_why"):
        assert words(await server.bob.presses(Action(press, event))) == "Only the organizers of Film night do this."


async def test_a_wrong_tag_saves_nothing_and_says_so(server: Server) -> None:
    asked = form(await server.bob.presses(Action("channel_add")))
    wrong = screen(await server.bob.sends(asked, name="Phone", apprise_url="jsons://192.0.43.8/secret", tag="my phone"))
    assert words(wrong) == "❌ Not saved: Tag: This has a character that is not allowed here."
    assert (wrong.about, button(wrong, "Try again").label) == ("tag", "Try again")


async def test_the_preview_stays_when_it_was_sent_to_oneself(server: Server, event: str) -> None:
    await server.alice.presses(Action("subscribe", event))
    preview = await server.alice.says("event notify", event=event, message="Doors at six.")
    tried = await server.alice.presses(button(preview, "Send only to me"))
    assert "Doors at six." in words(tried)
    assert "Sent to you alone, by Discord DM." in words(tried)
    assert [each.label for each in buttons(tried)] == [each.label for each in buttons(preview)]
    await server.alice.presses(button(tried, "Send to 2"))
    sent = await rows(server.town.core, select(Delivery).join(Notification).where(Notification.kind == "message"))
    assert sorted(each.label for each in sent) == ["Alice by Discord DM", "Alice by Discord DM", "Bob by Discord DM"]


async def test_who_does_not_follow_themselves_does_on_the_way_and_comes_back_to_the_preview(
    server: Server, event: str
) -> None:
    preview = await server.alice.says("event notify", event=event, message="Doors at six.")
    nowhere = await server.alice.presses(button(preview, "Send only to me"))
    assert "nowhere to send it" in words(nowhere)
    followed = await server.alice.presses(button(nowhere, "Subscribe"))
    assert "You'll hear about Film night" in words(followed)
    back = await server.alice.presses(button(followed, "Back to the preview"))
    assert "Send to 2" in [each.label for each in buttons(back)]


async def test_what_is_discarded_is_said_not_to_be_sent(server: Server, event: str) -> None:
    preview = await server.alice.says("event notify", event=event, message="Doors at six.")
    assert words(await server.alice.presses(button(preview, "Discard"))) == "Nothing was sent."
    assert "too old" in words(await server.alice.presses(button(preview, "Send to 1")))


async def watched(server: Server, event: str) -> AsyncIterator[Screen]:
    """The screens after Send."""
    preview = await server.alice.says("event notify", event=event, message="Doors at six.")
    watching = await server.alice.presses(button(preview, "Send to 1"))
    assert isinstance(watching, Watch)
    return watching.screens


def renamed(server: Server, old: str, new: str) -> None:
    """Nothing of the reports can be read while a table has another name."""
    with contextlib.closing(sqlite3.connect(server.town.settings.soonish_data / "soonish.db")) as database:
        database.execute(f"ALTER TABLE {old} RENAME TO {new}")


async def test_a_look_that_fails_ends_no_progress(
    server: Server, event: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writing, "_BETWEEN_LOOKS", 0.01)
    screens = await watched(server, event)
    renamed(server, "deliveries", "elsewhere")
    first = asyncio.ensure_future(anext(screens))
    async with asyncio.timeout(5):
        while "a look at message" not in caplog.text:  # noqa: ASYNC110 - a log line rings no bell
            await asyncio.sleep(0.01)
    renamed(server, "elsewhere", "deliveries")
    sending = await first
    assert words(sending) == "Sending… 0 of 1"
    assert "waiting 1" in words(await server.alice.presses(button(sending, "Refresh")))


async def test_a_progress_that_cannot_be_read_to_its_end_says_so_and_can_be_looked_at_again(
    server: Server, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(writing, "_LOOKS", 3)
    screens = await watched(server, event)
    renamed(server, "deliveries", "elsewhere")
    (end,) = [each async for each in screens]
    assert "Your message is being sent all the same. Reference " in words(end)
    renamed(server, "elsewhere", "deliveries")
    assert "waiting 1" in words(await server.alice.presses(button(end, "Refresh")))


async def test_behind_the_name_of_an_event_stands_what_is_said_of_it(server: Server, event: str) -> None:
    await server.event(name="Film")
    await server.event(name="Basketball")
    for typed, name, said in (
        ("Film night Doors at six", "Film night", "Doors at six"),
        ("film doors at six", "Film", "doors at six"),
        ("Basketball Doors at six", "Basketball", "Doors at six"),
        ('"Film night" night falls', "Film night", "night falls"),
        (f"{event} Doors at six", "Film night", "Doors at six"),
        (f"http://soonish.test/e/{event} Doors at six", "Film night", "Doors at six"),
    ):
        asked = await server.alice.says("event cancel", event=typed)
        assert f"Cancel {name}? " in words(asked)
        assert words(asked).endswith(f"Reason: {said}")
    preview = words(await server.alice.says("event notify", event="Film night Doors at six"))
    assert preview.endswith("\nFilm night\nDoors at six")
    assert form(await server.alice.says("event notify", event="Film night")).title == "Write to everybody"
    given = await server.alice.says("event notify", event="Film night", message="Doors at seven")
    assert "Doors at seven" in words(given)


async def test_where_a_beginning_names_several_events_or_none_nothing_is_guessed(server: Server, event: str) -> None:
    await server.event(name="Film matinee")
    for typed in ("Fil doors at six", "Theatre doors at six"):
        said = words(await server.alice.says("event cancel", event=typed))
        assert "Cancel" not in said
        assert "doors at six" not in said
