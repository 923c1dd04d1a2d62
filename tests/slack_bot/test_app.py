"""Every command, press and form as people have it on Slack: typed, acknowledged, read. The small Slack refuses what
Slack refuses."""

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import update

from bots.conversation.verbs import BOOK, writing
from bots.discord_bot.tree import command_tree
from bots.slack_bot.typed import ALIASES, read_command
from cli.demo.small_slack.api import DEVELOPERS, GENERAL, PRIVATE
from cli.demo.small_slack.people import labels, options, read
from core.db.models import ChatSetting, Event, EventAnnouncement, EventInvitation, Identity, Subscription
from tests.slack_bot.conftest import Workspace

ROOT = Path(__file__).parents[2]
HOSTILE = "<!channel> <!here> <@U102> <https://evil.example|free> @everyone"
CALLS = re.compile(r"<(?!!date\^)[^>]*>")
"""Anything in angle brackets but a time is a mention or a link."""


async def test_one_press_on_a_card_subscribes_and_the_direct_message_arrives(space: Workspace) -> None:
    _, card = await space.posted()
    said = await space.after(space.bob, card.payload, "Subscribe")
    assert "You'll hear about Film night here by direct message" in read(said)
    assert len(space.slack.direct(space.bob.id)) == 1
    again = await space.after(space.bob, card.payload, "Subscribe")
    assert "You're already subscribed by Slack DM" in read(again)
    left = await space.after(space.bob, again, "Unsubscribe")
    assert left["replace_original"]
    assert "no more messages about Film night" in read(left)
    assert "You are back" in read(await space.after(space.bob, left, "Undo"))
    (row,) = await space.rows(Subscription)
    assert row.ended_at is None


async def test_somebody_whom_the_app_may_not_write_to_is_told_at_the_press(space: Workspace) -> None:
    _, card = await space.posted()
    space.slack.refuse("chat.postMessage", "user_disabled")
    said = await space.after(space.bob, card.payload, "Subscribe")
    assert "I can't message you" in read(said)
    assert await space.rows(Subscription) == []


async def test_a_line_with_a_name_and_a_time_is_a_preview_and_nothing_is_public_before_its_button(
    space: Workspace,
) -> None:
    preview = await space.previewed('create "Launch party" tomorrow 7pm')
    assert "Launch party" in read(preview)
    assert preview["response_type"] == "ephemeral"
    assert space.slack.messages == {}
    await space.after(space.alice, preview, "Post in #general")
    (card,) = space.slack.in_channel()
    assert "*Launch party*" in read(card.payload)
    (row,) = await space.rows(EventAnnouncement)
    assert (row.platform, row.channel_id, row.message_id) == ("slack", GENERAL, card.ts)


async def test_what_is_wrong_stands_beside_its_field_and_a_picked_time_is_meant(space: Workspace) -> None:
    window = await (await space.alice.types("create")).opened()
    wrong = await space.alice.sends(window, name="Quiz", when="someday")
    assert wrong.ack.body["response_action"] == "errors"
    assert list(wrong.ack.body["errors"]) == ["when"]
    missing = await space.alice.sends(window, name="Quiz", when="")
    assert "When does it start?" in missing.ack.body["errors"]["when"]
    at = int(space.town.clock.now().timestamp()) + 7200
    sent = await space.alice.sends(window, name="Quiz", when="", when_picked=at, visibility="private")
    preview = await sent.opened()
    assert "Invited people only" in read(preview)
    await (await space.alice.presses(preview, "just create")).opened()
    (event,) = await space.rows(Event)
    assert (int(event.start_date.timestamp()), event.is_public, event.timezone) == (at, False, "Europe/Berlin")


async def test_an_edited_draft_keeps_who_may_see_it(space: Workspace) -> None:
    window = await (await space.alice.types("create")).opened()
    preview = await (await space.alice.sends(window, name="Quiz", when="tomorrow 7pm", visibility="private")).opened()
    again = await (await space.alice.presses(preview, "Edit")).opened()
    preview = await (await space.alice.sends(again, name="Quizzes")).opened()
    assert "Invited people only" in read(preview)
    third = await (await space.alice.presses(preview, "Edit")).opened()
    preview = await (await space.alice.sends(third, name="Last name")).opened()
    assert "Last name" in read(preview)


async def test_an_event_is_edited_in_a_window_and_who_follows_is_counted(space: Workspace) -> None:
    event, card = await space.posted()
    await space.after(space.bob, card.payload, "Subscribe")
    window = await (await space.alice.types(f"edit {event}")).opened()
    change = await (await space.alice.sends(window, when="tomorrow 9pm")).opened()
    assert "Moved from" in read(change)
    assert "1 person will be told" in read(change)
    saved = await (await space.alice.presses(change, "Save and tell them")).opened()
    assert "Saved. 1 person is being told." in read(saved)
    wrong = await (await space.alice.types("edit Film night")).opened()
    refused = await space.alice.sends(wrong, until="yesterday")
    assert list(refused.ack.body["errors"]) == ["until"]


async def test_an_edit_of_the_time_alone_keeps_a_description_that_no_window_takes(space: Workspace) -> None:
    event, _ = await space.posted()
    text = ("Bring a chair. " * 300).strip()
    async with space.core.db.write() as session:
        await session.execute(update(Event).values(description=text))
        await session.commit()
    window = await (await space.alice.types(f"edit {event}")).opened()
    assert "too long to be changed here" in read(window)
    change = await (await space.alice.sends(window, when="tomorrow 9pm")).opened()
    assert "New description" not in read(change)
    await (await space.alice.presses(change, "Save and tell them")).opened()
    assert [row.description for row in await space.rows(Event)] == [text]


async def test_a_name_finds_the_event_and_several_are_offered(space: Workspace) -> None:
    await space.posted("create Film night tomorrow 7pm")
    shown = await space.says(space.bob, "show film")
    assert "Film night" in read(shown)
    await space.posted("create Film festival tomorrow 8pm")
    asked = await space.says(space.bob, "show film")
    assert len(options(asked, "Pick one")) == 2
    picked = await space.after(space.bob, asked, "Pick one", picked=options(asked, "Pick one")[1])
    assert "Film festival" in read(picked)
    assert "no such event" in read(await space.says(space.bob, "show nothing-like-it"))


async def test_a_message_goes_through_preview_and_its_progress_is_shown_from_the_press_on(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_LOOKS", 2)
    monkeypatch.setattr(writing, "_BETWEEN_LOOKS", 0.4)
    event, card = await space.posted()
    await space.after(space.bob, card.payload, "Subscribe")
    window = await (await space.alice.types(f"notify {event}")).opened()
    preview = await (await space.alice.sends(window, body=f"Doors at six. {HOSTILE}")).opened()
    assert "Doors at six" in read(preview)
    assert not CALLS.search(read(preview))
    sent = await space.alice.presses(preview, "Send to 1")
    shown = await sent.opened()
    assert "Sending… 0 of 1" in read(shown)
    assert labels(shown) == ["Refresh"]
    await space.slack.until(lambda: "Sending" not in read(sent.window), lambda: read(sent.window), 10)


async def test_the_shortcut_and_the_home_open_windows(space: Workspace) -> None:
    window = await (await space.alice.shortcut()).opened()
    preview = await (await space.alice.sends(window, name="Quiz", when="tomorrow 7pm")).opened()
    assert "Post in a channel" in labels(preview)
    posted = await (await space.alice.presses(preview, "Post in a channel", picked=GENERAL)).opened()
    assert "Posted Quiz" in read(posted)
    assert len(space.slack.in_channel()) == 1
    home = await space.alice.opens_home()
    assert "You follow nothing yet" in read(home)
    listed = await (await space.alice.presses(home, "Coming up")).opened()
    assert "Quiz" in read(listed)


async def test_a_private_channel_that_the_app_or_the_person_is_not_in_gets_no_card(space: Workspace) -> None:
    preview = await space.previewed()
    said = await space.after(space.alice, preview, "Post elsewhere", picked=PRIVATE)
    assert "You may not write in that channel" in read(said)
    channel = space.slack.channels[PRIVATE]
    channel.members.add(space.alice.id)
    channel.bot_inside = False
    again = await space.after(space.alice, said, "Post elsewhere", picked=PRIVATE)
    assert "/invite @Soonish" in read(again)
    channel.bot_inside = True
    assert "Posted Film night" in read(await space.after(space.alice, again, "Post elsewhere", picked=PRIVATE))
    assert await space.rows(EventAnnouncement) != []


async def test_a_refused_post_of_a_private_event_opens_it_to_nobody(space: Workspace) -> None:
    window = await (await space.alice.types("create")).opened()
    preview = await (await space.alice.sends(window, name="Secret", when="tomorrow 7pm", visibility="private")).opened()
    assert "Post it, and everybody in #general will see it" in read(preview)
    refused = await (await space.alice.presses(preview, "Post elsewhere", picked=PRIVATE)).opened()
    assert "You may not write in that channel" in read(refused)
    assert await space.rows(EventInvitation) == []
    await (await space.alice.presses(refused, "Post elsewhere", picked=GENERAL)).opened()
    (invitation,) = await space.rows(EventInvitation)
    assert (invitation.kind, invitation.external_id) == ("space", GENERAL)


async def test_a_card_that_was_deleted_is_posted_again_and_one_that_stands_is_not(space: Workspace) -> None:
    event, card = await space.posted()
    shown = await space.says(space.alice, f"show {event}")
    assert "posted there already" in read(await space.after(space.alice, shown, "Post a card here"))
    space.slack.messages.pop(card.ts)
    assert "Posted Film night" in read(await space.after(space.alice, shown, "Post a card here"))
    assert len(space.slack.in_channel()) == 1


async def test_a_channel_for_cards_is_saved_with_what_keeps_the_app_out_of_it(space: Workspace) -> None:
    window = await (await space.ada.types("settings")).opened()
    assert "⚠️" not in read(await (await space.ada.sends(window, channel=GENERAL)).opened())
    space.slack.channels[PRIVATE].bot_inside = False
    window = await (await space.ada.types("settings")).opened()
    said = read(await (await space.ada.sends(window, channel=PRIVATE)).opened())
    assert "Saved" in said
    assert "/invite @Soonish" in said
    assert "/invite @Soonish" in read(await space.says(space.ada, "settings channel #secret"))


async def test_guests_create_nothing_and_a_set_user_group_restricts_to_itself(space: Workspace) -> None:
    assert "Only people who manage events here create them" in read(
        await space.says(space.gus, "create Quiz tomorrow 7pm")
    )
    said = await space.says(space.ada, "settings organizers @group-s3001")
    assert f"<!subteam^{DEVELOPERS}>" in read(said)
    (row,) = await space.rows(ChatSetting)
    assert (row.platform, row.organizer_role) == ("slack", DEVELOPERS)
    assert "Only people" in read(await space.says(space.alice, "create Quiz tomorrow 7pm"))
    assert "Only admins of this workspace" in read(await space.says(space.bob, "settings"))
    assert "New event" in read(await space.says(space.ada, "create Quiz tomorrow 7pm"))


async def test_settings_are_a_form_with_the_workspaces_own_groups_and_channels(space: Workspace) -> None:
    window = await (await space.ada.types("settings")).opened()
    kinds = [(each["block_id"], each["element"]["type"]) for each in window["blocks"]]
    assert kinds == [
        ("timezone", "plain_text_input"), ("organizer_role", "static_select"), ("channel", "conversations_select"),
    ]  # fmt: skip
    wrong = await space.ada.sends(window, timezone="Mars")
    assert list(wrong.ack.body["errors"]) == ["timezone"]
    typed = {"timezone": "Europe/Berlin", "organizer_role": DEVELOPERS, "channel": GENERAL}
    saved = await (await space.ada.sends(window, **typed)).opened()
    assert f"<!subteam^{DEVELOPERS}>" in read(saved)
    again = await (await space.ada.presses(saved, "Change")).opened()
    elements = {each["block_id"]: each["element"] for each in again["blocks"]}
    assert elements["organizer_role"]["initial_option"]["text"]["text"] == "@group-s3001"
    assert elements["channel"]["initial_conversation"] == GENERAL
    saved = await (await space.ada.sends(again, organizer_role="-")).opened()
    assert "every full member" in read(saved)
    (row,) = await space.rows(ChatSetting)
    assert (row.timezone, row.organizer_role, row.channel_id) == ("Europe/Berlin", None, GENERAL)


async def test_without_an_answer_about_rights_people_are_asked_to_wait_and_may_still_subscribe(
    space: Workspace,
) -> None:
    _, card = await space.posted()
    space.slack.refuse("users.info", "ratelimited", retry_after=30)
    assert "did not say just now" in read(await space.says(space.carol, "create Quiz tomorrow 7pm"))
    assert "You'll hear" in read(await space.after(space.bob, card.payload, "Subscribe"))


async def test_somebody_from_another_workspace_is_told_what_to_do(space: Workspace) -> None:
    _, card = await space.posted()
    said = await space.after(space.mallory, card.payload, "Subscribe")
    assert "another workspace" in read(said)
    assert [row.external_id for row in await space.rows(Identity)] == [space.alice.id]


async def test_nobody_is_called_and_no_link_hides_behind_words(space: Workspace) -> None:
    window = await (await space.alice.types("create")).opened()
    typed = dict.fromkeys(("name", "where", "description"), HOSTILE)
    preview = await (await space.alice.sends(window, when="tomorrow 7pm", **typed)).opened()
    await (await space.alice.presses(preview, "Post in #general")).opened()
    (card,) = space.slack.in_channel()
    listed = await space.says(space.bob, "list")
    shown = await space.after(space.bob, card.payload, "Details")
    for each in (preview, card.payload, listed, shown):
        assert not CALLS.search(read(each) + str(each.get("text", "")))
    await space.after(space.bob, card.payload, "Subscribe")
    assert not CALLS.search(str([read(each) for each in space.slack.direct(space.bob.id)]))


async def test_a_private_event_is_not_told_of(space: Workspace) -> None:
    window = await (await space.alice.types("create")).opened()
    preview = await (await space.alice.sends(window, name="Secret", when="tomorrow 7pm", visibility="private")).opened()
    done = await (await space.alice.presses(preview, "just create")).opened()
    (event, *_) = re.findall(r"soonish:edit:([\w-]+)", str(done))
    for text in ("list", f"show {event}", f"subscribe {event}", "show Secret", f"report {event}"):
        assert "Secret" not in read(await space.says(space.carol, text))
    assert "Secret" not in str(await space.carol.opens_home())


async def test_a_channel_that_is_gone_takes_its_cards_along(space: Workspace) -> None:
    await space.posted()
    await space.alice.happens({"type": "channel_deleted", "channel": GENERAL})

    async with asyncio.timeout(5):
        while not (await space.rows(EventAnnouncement))[0].gone_at:  # noqa: ASYNC110 - a row rings no bell
            await asyncio.sleep(0.01)


async def test_a_refused_card_is_told_with_what_to_do(space: Workspace) -> None:
    preview = await space.previewed()
    space.slack.refuse("chat.postMessage", "ratelimited", retry_after=17)
    said = await space.after(space.alice, preview, "Post in #general")
    assert "wait 17 seconds" in read(said)
    space.slack.accept()
    space.slack.channels[GENERAL].bot_inside = False
    said = await space.after(space.alice, said, "Try again")
    assert "/invite @Soonish" in read(said)


def test_a_verb_is_enough_and_both_platforms_have_the_same_commands_as_the_manual() -> None:
    verbs = {command.name: command for command in BOOK.commands.values()}
    assert all(BOOK.called(verb) is command for verb, command in verbs.items())
    assert set(ALIASES.values()) <= set(verbs)
    text = (ROOT / "docs/commands.md").read_text()
    written = dict(re.findall(r"^\| `/(\w+ \w+)` .* `/soonish (\w+)` \|$", text, re.MULTILINE))
    assert written == {f"{command.group} {verb}": verb for verb, command in verbs.items()}
    assert set(written) == {f"{group['name']} {each['name']}" for group in command_tree() for each in group["options"]}


@pytest.mark.parametrize(
    ("text", "verb", "given"),
    [
        ("", "help", {}),
        ("dance", "help", {"unknown": "dance"}),
        ("create Film night tomorrow 7pm", "create", {"name": "Film night", "when": "tomorrow 7pm"}),
        ("create R&amp;D &lt;3 friday 7pm", "create", {"name": "R&D <3", "when": "friday 7pm"}),
        ('create "Late night" 9pm', "create", {"name": "Late night", "when": "9pm"}),
        ("create Film night", "create", {"name": "Film night", "when": ""}),
        ("create friday 7pm", "create", {"name": "", "when": "friday 7pm"}),
        ('create "Friday 7pm" 9pm', "create", {"name": "Friday 7pm", "when": "9pm"}),
        ("show <https://soonish.example/e/2jFv8QmT4x>", "show", {"event": "https://soonish.example/e/2jFv8QmT4x"}),
        (
            "create Call <https://zoom.example/j/1?a=1&amp;b=2> tomorrow 7pm",
            "create",
            {"name": "Call https://zoom.example/j/1?a=1&b=2", "when": "tomorrow 7pm"},
        ),
        (
            "create Lunch with <@U102|bob>, <!subteam^S7|@crew>, <!here> in <#C2001|general> and <#C2002|> friday 7pm",
            "create",
            {"name": "Lunch with @bob, @crew, @here in #general and #C2002", "when": "friday 7pm"},
        ),
        (
            "create Ask <mailto:a@b.example|a@b.example> and <http://b.example|b.example> friday 7pm",
            "create",
            {"name": "Ask a@b.example and http://b.example", "when": "friday 7pm"},
        ),
        ("create &lt;@U102&gt; friday 7pm", "create", {"name": "<@U102>", "when": "friday 7pm"}),
        ("invite Quiz <@U102|bob>", "invite", {"event": "Quiz", "member": "U102", "role": "", "to": ""}),
        (
            "invite How to follow <!subteam^S7|@crew> to organize",
            "invite",
            {"event": "How to follow", "member": "", "role": "S7", "to": "organize"},
        ),
        ("settings channel <#C2001|general>", "settings", {"channel": "C2001"}),
        ("me", "subscriptions", {}),
        ("timezone Europe/Berlin", "timezone", {"zone": "Europe/Berlin"}),
    ],
)
def test_what_is_typed_behind_the_command(text: str, verb: str, given: dict[str, str]) -> None:
    command, found = read_command(text, None)
    assert (command.name, found) == (verb, given)
