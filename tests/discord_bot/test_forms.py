"""Forms on Discord lose nothing of what stands in them, however long it is."""

import pytest

from cli.demo.small_discord.limits import LABEL, TEXT
from cli.demo.small_discord.people import labels, read
from core.db.models import Event
from tests.discord_bot.conftest import Server


@pytest.mark.parametrize(
    "given",
    [{"name": "🎉" * 150}, {"where": "📍" * 200}, {"description": "🌍" * 2_500}, {"description": "Long. " * 900}],
)
async def test_an_edit_of_the_time_alone_changes_nothing_else(server: Server, given: dict[str, str]) -> None:
    event = await server.created(**given)
    before = (await server.rows(Event))[0]
    preview = await server.alice.fills_in(await server.alice.types("event edit", event=event), when="in 3 days 8pm")
    assert "New" not in read(preview)
    assert "Where" not in read(preview)
    await server.alice.presses(preview, "Save and tell them")
    (after,) = await server.rows(Event)
    assert after.start_date > before.start_date
    for field in ("name", "location", "description"):
        assert getattr(after, field) == getattr(before, field)


async def test_a_text_that_no_form_takes_is_said_to_be_too_long_and_the_others_are_asked(server: Server) -> None:
    event = await server.created(description="Long. " * 900)
    form = await server.alice.types("event edit", event=event)
    kinds = [each["type"] for each in form.callback["components"]]
    assert kinds == [LABEL, LABEL, LABEL, LABEL, TEXT]
    assert "too long to be changed here" in form.callback["components"][-1]["content"]


async def test_a_draft_is_edited_without_losing_the_end_of_its_description(server: Server) -> None:
    text = ("Bring a chair. " * 240).strip()
    preview = await server.alice.types("event create", name="Quiz", when="tomorrow 7pm", description=text)
    again = await server.alice.fills_in(await server.alice.presses(preview, "Edit"), when="tomorrow 8pm")
    await server.alice.presses(again, "just create")
    (event,) = await server.rows(Event)
    assert event.description == text


async def test_a_message_that_is_too_long_comes_back_in_two_fields(server: Server) -> None:
    event, card = await server.posted()
    await server.bob.presses(card.payload, "Subscribe")
    refused = await server.alice.types("event notify", event=event, message="🎉 Everybody come! " * 300)
    assert "At most 4000 characters" in read(refused)
    form = await server.alice.presses(refused, "Change")
    assert [each["component"]["custom_id"] for each in form.callback["components"]] == ["body", "rest"]
    preview = await server.alice.fills_in(form, rest="", body="🎉 Everybody come!")
    assert "Preview" in read(preview)


async def test_the_preview_of_a_long_message_stays_when_it_is_sent_to_oneself(server: Server) -> None:
    event, card = await server.posted()
    await server.alice.presses(card.payload, "Subscribe")
    preview = await server.alice.types("event notify", event=event, message="*_" * 1_990)
    tried = await server.alice.presses(preview, "Send only to me")
    assert "Sent to you alone, by Discord DM" in read(tried)
    assert labels(tried) == labels(preview)
