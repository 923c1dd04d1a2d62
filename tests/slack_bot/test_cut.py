"""Connections to Slack that end before an answer: nothing is sent twice, and nobody waits for words."""

import asyncio
import re

import pytest

from cli.demo.small_slack.people import read
from core.db.models import EventAnnouncement
from tests.slack_bot.conftest import Workspace, restarted


async def test_a_card_whose_answer_is_lost_is_sent_once_and_its_organizer_told_to_look(space: Workspace) -> None:
    preview = await space.previewed()
    space.slack.cut.add("chat.postMessage")
    said = read(await space.after(space.alice, preview, "Post in #general"))
    assert "Look whether it is there" in said
    assert len(space.slack.in_channel()) == 1
    assert await space.rows(EventAnnouncement) == []


async def test_a_cut_connection_is_answered_in_words(space: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    window = await (await space.alice.types("create")).opened()
    async with restarted(space):
        space.slack.cut |= {"users.info", "usergroups.list", "conversations.info"}
        assert "No events yet" in read(await space.says(space.bob, "list"))
        sent = await space.alice.sends(window, name="Quiz", when="tomorrow 7pm")
        assert sent.ack.body["response_action"] == "update"
        assert "did not say just now" in read(sent.ack.body["view"])
        space.slack.cut.add("views.open")
        assert "Slack did not open the form" in read(await space.says(space.bob, "create"))
        space.slack.cut |= {"conversations.open"}
        assert "Slack did not take the file" in read(await space.says(space.bob, "export"))
    assert [each for each in caplog.records if each.exc_info] == []


async def test_an_answer_that_is_cut_off_is_given_once(space: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    body = space.bob.command("list")
    key = str(body["response_url"]).rpartition("/")[2]
    space.slack.cut.add(key)
    talk = await space.bob.does("slash_commands", body)
    async with asyncio.timeout(10):
        while "an answer to a command did not reach Slack" not in caplog.text:  # noqa: ASYNC110 - a log rings no bell
            await asyncio.sleep(0.01)
    assert len(talk.messages) == 1


async def test_a_form_is_acknowledged_whatever_breaks(
    space: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    window = await (await space.alice.types("create")).opened()
    async with restarted(space):
        monkeypatch.setattr(space.slack, "_users_info", lambda _: {})  # no user in it, as Slack promises there is
        sent = await space.alice.sends(window, name="Quiz", when="tomorrow 7pm")
    assert sent.ack.body["response_action"] == "update"
    (said,) = re.findall(r"Something broke on our side. Reference (\w{4})", read(sent.ack.body["view"]))
    assert f"reference {said}" in caplog.text
