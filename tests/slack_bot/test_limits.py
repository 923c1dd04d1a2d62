"""The longest that people may type, in what takes most room: Slack takes all of it (the small one complains otherwise),
and what does not fit is cut or said."""

import re

import pytest

from cli.demo.small_slack.people import read
from core.db.models import Event
from core.events.changes import change_event
from core.events.model import EventChange
from core.work import Actor
from tests.slack_bot.conftest import Workspace


@pytest.mark.parametrize(
    "letter", ["&", "<", "é", "🎉", "👩‍👩‍👧‍👦"], ids=["and", "bracket", "accent", "emoji", "family"]
)
async def test_the_longest_event_is_shown_everywhere_and_complained_of_nowhere(space: Workspace, letter: str) -> None:
    def filled(at_most: int) -> str:
        return (letter * at_most)[:at_most]

    window = await (await space.alice.types("create")).opened()
    room = {each["block_id"]: each["element"].get("max_length", 0) for each in window["blocks"]}
    typed = {name: filled(room[name]) for name in ("name", "where", "description")}
    preview = await (await space.alice.sends(window, when="tomorrow 7pm", **typed)).opened()
    await (await space.alice.presses(preview, "Post in #general")).opened()
    card = space.slack.in_channel()[-1].payload
    (event,) = re.findall(r"soonish:details:([\w-]+)", str(card))
    await space.after(space.bob, card, "Subscribe")
    for text in ("list", f"show {event}", "me", f"subscribers {event}", f"report {event}", f"unsubscribe {event}"):
        assert read(await space.says(space.alice, text)), text
    await space.bob.opens_home()
    edit = await (await space.alice.types(f"edit {event}")).opened()
    change = await (await space.alice.sends(edit, when="tomorrow 9pm", description="")).opened()
    await (await space.alice.presses(change, "Save and tell them")).opened()
    notify = await (await space.alice.types(f"notify {event}")).opened()
    words = next(each["element"]["max_length"] for each in notify["blocks"] if each["block_id"] == "body")
    assert read(await (await space.alice.sends(notify, body=filled(words))).opened())
    asked = await (await space.alice.types(f"cancel {event}")).message()
    why = await (await space.alice.presses(asked, "Add a reason")).opened()
    sure = await (await space.alice.sends(why, reason=filled(300))).opened()
    await (await space.alice.presses(sure, "Cancel the event")).opened()
    assert space.slack.complaints == []


async def test_what_is_longer_than_a_field_of_slacks_is_changed_on_the_page(space: Workspace) -> None:
    event = await space.created()
    (row,) = await space.rows(Event)
    long = EventChange(description="x" * 4_000)
    await space.core.act(Actor(row.owner_user_id, "web"), change_event, event, long)
    window = await (await space.alice.types(f"edit {event}")).opened()
    assert "*Description* is too long to be changed here: use the page." in read(window)
    change = await (await space.alice.sends(window, name="Film nights")).opened()
    await (await space.alice.presses(change, "Save")).opened()
    (row,) = await space.rows(Event)
    assert (row.name, len(row.description)) == ("Film nights", 4_000)
