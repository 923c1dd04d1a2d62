"""What comes late, comes twice, or is refused on its way: it is answered once, and somewhere."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import pytest

from bots.conversation.verbs import BOOK
from cli.demo.small_slack.people import labels, options, read
from core.db.models import EventAnnouncement
from tests.slack_bot.conftest import Workspace


@contextlib.asynccontextmanager
async def locked(space: Workspace) -> AsyncIterator[None]:
    """Nobody can write meanwhile."""
    async with space.core.db.write() as session:
        await session.flush()
        yield


async def test_what_is_wrong_with_a_form_reaches_the_person_when_it_is_known_too_late_for_its_field(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.slack_bot.door.SENT_SECONDS", 0.1)
    window = await (await space.carol.types("create")).opened()
    async with locked(space):  # her account cannot be made meanwhile
        sent = await space.carol.sends(window, name="Quiz", when="someday", where="Here")
        assert sent.ack.body["response_action"] == "update"
        assert "Just a moment" in read(sent.ack.body["view"])
    back = await sent.opened()
    assert "⚠️" in read(back)
    assert "someday" in read(back)
    assert "when" in {block.get("block_id") for block in back["blocks"]}
    typed = {each["block_id"]: each["element"].get("initial_value") for each in back["blocks"] if "element" in each}
    assert (typed["name"], typed["when"], typed["where"]) == ("Quiz", "someday", "Here")
    preview = await (await space.carol.sends(back, when="tomorrow 7pm")).opened()
    assert "Quiz" in read(preview)


async def test_a_form_that_is_answered_late_is_answered_in_its_window(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.slack_bot.door.SENT_SECONDS", 0.1)
    window = await (await space.carol.types("create")).opened()
    async with locked(space):
        sent = await space.carol.sends(window, name="Quiz", when="tomorrow 7pm")
    assert "Quiz" in read(await sent.opened())


async def test_a_form_that_slack_sends_twice_keeps_its_window_and_says_the_same(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = await (await space.alice.types("create")).opened()
    form = space.alice.form(window, name="Quiz", when="tomorrow 7pm")
    both = [(await space.alice.does("interactive", form)).ack.body for _ in range(2)]
    assert "Quiz" in read(both[0]["view"])
    assert both[0] == both[1]
    wrong = space.alice.form(window, name="Quiz", when="someday")
    acks = await asyncio.gather(*(space.slack.deliver("interactive", wrong) for _ in range(2)))
    assert [list(each.body["errors"]) for each in acks] == [["when"], ["when"]]
    monkeypatch.setattr("bots.slack_bot.door.SENT_SECONDS", 0.0)
    late = space.alice.form(window, name="Pub", when="tomorrow 8pm")
    async with locked(space):
        talks = [await space.alice.does("interactive", late) for _ in range(2)]
        assert ["Just a moment" in read(each.ack.body["view"]) for each in talks] == [True, True]
    assert "Pub" in read(await talks[0].opened())


async def test_a_form_that_slack_does_not_open_is_answered_in_words(space: Workspace) -> None:
    space.slack.refuse("views.open", "ratelimited", retry_after=30)
    assert "Slack did not open the form" in read(await space.says(space.alice, "create"))
    space.slack.refuse("views.open", "expired_trigger_id")
    assert "Please ask once more" in read(await space.says(space.alice, "create"))


async def test_a_form_that_takes_long_and_finds_no_window_is_answered_in_words(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.slack_bot.door.FORM_SECONDS", 0.0)
    space.slack.refuse("views.open", "internal_error")
    event = await space.created()
    assert "Slack did not open the form" in read(await space.says(space.alice, f"edit {event}"))


async def test_a_press_on_the_home_that_finds_no_window_is_answered_by_direct_message(space: Workspace) -> None:
    home = await space.bob.opens_home()
    space.slack.refuse("views.open", "internal_error")
    await space.bob.presses(home, "Coming up")
    await space.slack.until(lambda: bool(space.slack.direct(space.bob.id)), lambda: "no message", 5)
    assert "Please press it once more" in space.slack.direct(space.bob.id)[0]["text"]


async def test_a_window_that_slack_asks_to_wait_with_is_changed_when_it_may_be(space: Workspace) -> None:
    home = await space.bob.opens_home()
    space.slack.refuse("views.update", "ratelimited", times=1, retry_after=0)
    shown = await (await space.bob.presses(home, "Coming up")).opened()
    assert "No events yet" in read(shown)
    space.slack.busy_responses = 1
    assert "No events yet" in read(await space.says(space.bob, "list"))
    assert space.slack.busy_responses == 0


async def test_a_button_in_a_thread_is_answered_there(space: Workspace) -> None:
    """Slack has no commands in threads."""
    _, card = await space.posted()
    body = space.bob.press(card.payload, "Subscribe")
    body["container"] |= {"thread_ts": "1764000000.1", "channel_id": space.bob.channel}
    talk = await space.bob.does("interactive", body)
    said = await talk.message()
    assert "You'll hear about Film night" in read(said)
    assert said["response_type"] == "ephemeral"


async def test_the_same_event_twice_is_heard_once(space: Workspace) -> None:
    event = {"type": "app_home_opened", "user": space.bob.id, "tab": "home", "channel": "D102"}
    for number in ("Ev1", "Ev1", "Ev2"):
        assert (await space.bob.happens(event, number)).status == 200
    await space.slack.until(lambda: space.slack.calls.count("views.publish") == 2, lambda: str(space.slack.calls), 5)
    await space.posted()
    channel = {"type": "channel_deleted", "channel": space.slack.in_channel()[0].channel_id}
    await space.alice.happens(channel, "Ev3")
    async with asyncio.timeout(5):
        while not (await space.rows(EventAnnouncement))[0].gone_at:  # noqa: ASYNC110 - a row rings no bell
            await asyncio.sleep(0.01)
    # Posted again, it is not forgotten because the old news come once more.
    async with space.core.db.write() as session:
        (row,) = await space.rows(EventAnnouncement)
        (await session.get_one(EventAnnouncement, row.id)).gone_at = None
    await space.alice.happens(channel, "Ev3")
    await space.says(space.bob, "list")
    assert (await space.rows(EventAnnouncement))[0].gone_at is None


async def test_both_names_of_the_command_mean_the_same(space: Workspace) -> None:
    await space.posted()
    said = [await (await space.bob.types("list", name)).message() for name in ("/soonish", "/event")]
    assert read(said[0]) == read(said[1])
    assert "Film night" in read(said[0])


async def test_every_button_of_the_home_opens_something(space: Workspace) -> None:
    await space.posted()
    home = await space.bob.opens_home()
    assert {"Create event", "Coming up", "Channels", "Time zone", "Link account", "Export", "Help"} <= set(labels(home))
    for label in labels(home):
        shown = await (await space.bob.presses(home, label)).opened()
        assert read(shown).strip(), label
    assert space.slack.files != {}


async def test_the_home_shows_what_was_done_in_its_window(space: Workspace) -> None:
    _, card = await space.posted()
    await space.after(space.bob, card.payload, "Subscribe")
    home = await space.bob.opens_home()
    (one,) = options(home, "Look at one")
    window = await (await space.bob.presses(home, "Look at one", picked=one)).opened()

    def shows() -> bool:
        return "Film night" in str(space.slack.homes[space.bob.id])

    assert shows()
    left = await (await space.bob.presses(window, "Unsubscribe")).opened()
    await space.slack.until(lambda: not shows(), lambda: "still there", 5)
    await space.bob.presses(left, "Undo")
    await space.slack.until(shows, lambda: "not there again", 5)


async def test_no_press_of_a_stranger_tells_of_a_private_event(space: Workspace) -> None:
    """As whoever made up every action there is would press it."""
    window = await (await space.alice.types("create")).opened()
    sent = await space.alice.sends(window, name="Secret", when="tomorrow 7pm", visibility="private")
    done = await (await space.alice.presses(await sent.opened(), "just create")).opened()
    (event, *_) = re.findall(r"soonish:edit:([\w-]+)", str(done))
    listed = await space.says(space.carol, "help")
    for verb in BOOK.presses:
        for more in ("", "1", "1,yes"):
            body = space.carol.press({**listed, "blocks": [_button(f"soonish:{verb}:{event}:{more}".rstrip(":"))]}, "x")
            talk = await space.carol.does("interactive", body)
            answered = lambda talk=talk: bool(talk.messages) or talk.window is not None  # noqa: E731
            await space.slack.until(answered, lambda verb=verb: verb, 5)  # type: ignore[misc]
            assert "Secret" not in read(talk.window) + "".join(map(read, talk.messages)), verb
    assert "Secret" in read(await space.says(space.alice, f"show {event}"))


def _button(action: str) -> dict[str, object]:
    return {"type": "actions", "elements": [{"type": "button", "action_id": action, "text": {"text": "x"}}]}
