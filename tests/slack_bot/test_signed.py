"""Only what Slack signed this moment is heard, and nothing else is even read."""

import time

import aiohttp
import pytest

from cli.demo.small_slack.api import TEAM
from cli.demo.small_slack.server import Signature
from core.db.models import Identity
from tests.slack_bot.conftest import Workspace


@pytest.mark.parametrize(
    "signature",
    [Signature(secret="another"), Signature(age=600), Signature(headers={"X-Slack-Signature": ""})],
    ids=["wrong", "old", "none"],
)
async def test_what_slack_did_not_sign_this_moment_is_refused(space: Workspace, signature: Signature) -> None:
    talk = await space.alice.does("slash_commands", space.alice.command("list"), signature)
    assert talk.ack.status == 401
    assert await space.rows(Identity) == []
    assert talk.messages == []


RUBBISH = {
    "{": "application/json",
    "[" * 100_000: "application/json",
    "[]": "application/json",
    "payload=%7B": "application/x-www-form-urlencoded",
    "ssl_check=1&token=x": "application/x-www-form-urlencoded",
    "\udcff": "text/plain",
    "": "application/json",
}


async def test_rubbish_that_nobody_signed_is_refused_before_it_is_read(space: Workspace) -> None:
    now = str(int(time.time()))
    async with aiohttp.ClientSession() as session:
        for raw, content_type in RUBBISH.items():
            for at, signature in ((now, "v0=0"), ("soon", "v0=0"), (now, "é"), ("9" * 400, "")):
                signed = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature}
                where, body = str(space.slack.target), raw.encode(errors="surrogateescape")
                async with session.post(where, data=body, headers=signed | {"Content-Type": content_type}) as answer:
                    assert answer.status == 401, (raw[:20], at, signature)


async def test_slacks_question_whether_the_address_is_ours_is_answered(space: Workspace) -> None:
    asked = await space.slack.deliver("events_api", {"type": "url_verification", "challenge": "3eZbrw1aB"})
    assert (asked.status, asked.body) == (200, {"challenge": "3eZbrw1aB"})


async def test_what_nobody_listens_to_is_acknowledged(space: Workspace) -> None:
    whose = {"team": {"id": TEAM}, "user": {"id": space.alice.id}, "trigger_id": "1"}
    for kind in (
        {"type": "message_action", "callback_id": "x"},
        {"type": "shortcut", "callback_id": "x"},
        {"type": "view_closed", "view": {"id": "V1", "callback_id": "x"}},
    ):
        said = await space.slack.deliver("interactive", whose | kind)
        assert (said.status, said.body) == (200, {}), kind
    said = await space.alice.happens({"type": "team_rename", "name": "x"})
    assert (said.status, said.body) == (200, {})
