"""Connections to Slack that end before an answer: nothing is sent twice, and nobody waits for words."""

from cli.demo.small_slack.people import read
from core.db.models import EventAnnouncement
from tests.slack_bot.conftest import Workspace


async def test_a_card_whose_answer_is_lost_is_sent_once_and_its_organizer_told_to_look(space: Workspace) -> None:
    preview = await space.previewed()
    space.slack.cut.add("chat.postMessage")
    said = read(await space.after(space.alice, preview, "Post in #general"))
    assert "Look whether it is there" in said
    assert len(space.slack.in_channel()) == 1
    assert await space.rows(EventAnnouncement) == []
