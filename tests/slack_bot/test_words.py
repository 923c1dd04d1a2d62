"""In Slack's messages and windows: a preview stays, what is wrong stands beside its field, what is off is no end."""

import logging
import re

import pytest

from cli.demo.small_slack.people import labels, options, read
from core.db.models import Integration, Notification, Subscription
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


async def test_no_log_quotes_an_answer_or_the_address_it_goes_to(
    space: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    talk = await space.alice.types("create Surprise party tomorrow 7pm")
    assert "Surprise party" in read(await talk.message())
    ours = [each for each in caplog.records if each.name.startswith(("slack", "bots", "core"))]
    assert ours != []
    assert [each.name for each in ours if re.search(r"Surprise|/respond/|xoxb", each.getMessage())] == []
