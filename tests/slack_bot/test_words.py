"""In Slack's messages and windows: a preview stays, what is wrong stands beside its field, what is off is no end."""

import logging
import re

import pytest

from cli.demo.small_slack.people import labels, options, read
from core.db.models import Event, EventInvitation, Integration, Notification, Subscription
from tests.slack_bot.conftest import Workspace


async def test_a_refused_message_stands_beside_its_field_and_a_preview_stays_when_it_is_sent_to_oneself(
    space: Workspace,
) -> None:
    event, card = await space.posted()
    await space.after(space.bob, card.payload, "Subscribe")
    window = await (await space.alice.types(f"notify {event}")).opened()
    wrong = await space.alice.sends(window, body="Doors at six. \u202e")
    assert list(wrong.ack.body["errors"]) == ["body"]
    preview = await (await space.alice.sends(window, body="Doors at six.")).opened()
    nowhere = await (await space.alice.presses(preview, "Send only to me")).opened()
    followed = await (await space.alice.presses(nowhere, "Subscribe")).opened()
    back = await (await space.alice.presses(followed, "Back to the preview")).opened()
    tried = await (await space.alice.presses(back, "Send only to me")).opened()
    assert "Sent to you alone, by Slack DM." in read(tried)
    assert "Send to 2" in labels(tried)
    gone = await (await space.alice.presses(tried, "Discard")).opened()
    assert "Nothing was sent." in read(gone)
    assert [row.kind for row in await space.rows(Notification)].count("message") == 1


async def test_a_wrong_tag_stands_beside_its_field_and_a_channel_that_is_off_is_switched_on_at_the_press(
    space: Workspace,
) -> None:
    _, card = await space.posted()
    window = await (await space.bob.presses(await space.says(space.bob, "channels"), "Add a channel")).opened()
    wrong = await space.bob.sends(window, name="Phone", apprise_url="ntfys://ntfy.sh/x", tag="my phone")
    assert wrong.ack.body["errors"] == {"tag": "❌ Not saved: Tag: This has a character that is not allowed here."}
    first = await space.after(space.bob, card.payload, "Subscribe")
    assert "here by direct message" in read(first)
    channels = await space.says(space.bob, "channels")
    (number,) = options(channels, "Test, rename, switch or remove one")
    one = await space.after(space.bob, channels, "Test, rename, switch or remove one", picked=number)
    off = await space.after(space.bob, one, "Switch off")
    assert "Back to your channels" in labels(off)
    asked = await space.after(space.bob, card.payload, "Subscribe")
    assert "Your channel Slack DM is switched off" in read(asked)
    done = await space.after(space.bob, asked, "Switch on and subscribe")
    assert "already subscribed by Slack DM" in read(done)
    assert [row.is_active for row in await space.rows(Integration) if row.kind == "Slack DM"] == [True]
    assert len(await space.rows(Subscription)) == 1


async def test_a_preview_in_a_message_posts_nothing_else_than_it_shows_after_an_edit_in_a_window(
    space: Workspace,
) -> None:
    old = await space.previewed()
    window = await (await space.alice.presses(old, "Edit")).opened()
    newer = await (await space.alice.sends(window, name="Late film", when="tomorrow 9pm")).opened()
    said = await space.after(space.alice, old, "Post in #general")
    assert "This preview was changed since. This is how it is now:\n*Late film*" in read(said)
    assert space.slack.in_channel() == []
    done = await (await space.alice.presses(newer, "Post in #general")).opened()
    assert "Posted Late film" in read(done)
    used = await space.after(space.alice, said, "Edit")
    assert (read(used), labels(used)) == ("Created already.", ["Edit event", "Details"])


async def test_addresses_and_mentions_in_a_command_are_read_as_they_were_typed(space: Workspace) -> None:
    event = await space.created("create Call https://zoom.example/j?a=1&b=2 with @bob in #general tomorrow 7pm")
    (row,) = await space.rows(Event)
    assert row.name == "Call https://zoom.example/j?a=1&b=2 with @bob in #general"
    shown = await space.says(space.alice, f"show http://127.0.0.1:8000/e/{event}")
    assert "with @bob in #general" in read(shown)
    assert "from their next press on" in read(await space.says(space.alice, f"invite {event} @bob"))


async def test_a_line_that_is_all_a_time_asks_for_the_name_alone(space: Workspace) -> None:
    window = await (await space.alice.types("create friday 7pm")).opened()
    typed = {each["block_id"]: each["element"].get("initial_value") for each in window["blocks"]}
    assert (typed["name"], typed["when"]) == (None, "friday 7pm")
    assert "*Quiz*" in read(await (await space.alice.sends(window, name="Quiz")).opened())


async def test_the_time_zone_of_the_profile_stands_in_the_form_and_a_wrong_one_is_told_beside_it(
    space: Workspace,
) -> None:
    for window in (
        await (await space.alice.types("timezone")).opened(),
        await (await space.alice.presses(await space.alice.opens_home(), "Time zone")).opened(),
    ):
        (field,) = window["blocks"]
        assert (field["block_id"], field["element"]["initial_value"]) == ("timezone", "Europe/Berlin")
    wrong = await space.alice.sends(window, timezone="Mars")
    assert list(wrong.ack.body["errors"]) == ["timezone"]
    done = await (await space.alice.sends(window, timezone="Lisbon")).opened()
    assert "Your times are in Europe/Lisbon now." in read(done)


async def test_with_one_workspaces_token_nobody_of_another_is_invited_by_name(space: Workspace) -> None:
    event = await space.created()
    assert "from their next press on" in read(await space.says(space.alice, f"invite {event} @bob"))
    refused = await space.says(space.alice, f"invite {event} @mallory")
    assert "Send them the link" in read(refused)
    assert len(await space.rows(EventInvitation)) == 1


@pytest.mark.parametrize("body", ["A & B, " * 570, "<" * 4_000, "One line\n" * 440, "Doors at six. " * 280])
async def test_a_long_message_is_shown_to_its_last_word_before_it_is_sent(space: Workspace, body: str) -> None:
    event, card = await space.posted()
    await space.after(space.bob, card.payload, "Subscribe")
    window = await (await space.alice.types(f"notify {event}")).opened()
    preview = await (await space.alice.sends(window, body=f"{body[:3_985]} the end")).opened()
    shown = [each for each in read(preview).split("\n") if each.startswith("> ")]
    said = "".join(each.removeprefix("> ") for each in shown)
    said = said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert "".join(said.split()) == "".join(f"{body[:3_985]} the end".split())
    assert "…" not in said


async def test_an_end_is_picked_like_a_start(space: Workspace) -> None:
    event = await space.created("create Film night tomorrow 7pm")
    (row,) = await space.rows(Event)
    window = await (await space.alice.types(f"edit {event}")).opened()
    at = int(row.start_date.timestamp()) + 7_200
    change = await (await space.alice.sends(window, until_picked=at)).opened()
    assert "It ends" in read(change)
    await (await space.alice.presses(change, "Save")).opened()
    (row,) = await space.rows(Event)
    assert int(row.end_date.timestamp()) == at


async def test_an_unknown_verb_is_named_and_help_says_what_stands_behind_each(space: Workspace) -> None:
    said = read(await space.says(space.alice, "creat Film night tomorrow 7pm"))
    assert said.startswith("Soonish\nI don't know `creat`. This is what there is:")
    for each in (
        "create [name] [when]: ",
        "show event: ",
        "list [which]: ",
        "notify event [message]: ",
        "timezone [zone]: ",
    ):
        assert f"/soonish {each}" in said
    for asked in ("help", ""):
        assert "I don't know" not in read(await space.says(space.alice, asked))


async def test_a_message_and_a_reason_stand_behind_the_name_of_an_event(space: Workspace) -> None:
    _, card = await space.posted()
    await space.after(space.bob, card.payload, "Subscribe")
    preview = await space.says(space.alice, "notify Film night Doors open at six & more")
    assert "*Film night*\n> Doors open at six &amp; more" in read(preview)
    asked = await space.says(space.alice, 'cancel "Film night" The projector broke')
    assert "Reason: The projector broke" in read(asked)


async def test_no_log_quotes_an_answer_or_the_address_it_goes_to(
    space: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    talk = await space.alice.types("create Surprise party tomorrow 7pm")
    assert "Surprise party" in read(await talk.message())
    ours = [each for each in caplog.records if each.name.startswith(("slack", "bots", "core"))]
    assert ours != []
    assert [each.name for each in ours if re.search(r"Surprise|/respond/|xoxb", each.getMessage())] == []
