"""Only what Slack signed this moment is heard, and nothing else is even read."""

import time

import aiohttp
import pytest

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


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        ("{", "application/json"),
        ("[" * 100_000, "application/json"),
        ("[]", "application/json"),
        ("payload=%7B", "application/x-www-form-urlencoded"),
        ("ssl_check=1&token=x", "application/x-www-form-urlencoded"),
        ("\udcff", "text/plain"),
        ("", "application/json"),
    ],
    ids=["half", "deep", "a list", "half a payload", "ssl check", "no text", "nothing"],
)
async def test_rubbish_that_nobody_signed_is_refused_before_it_is_read(
    space: Workspace, raw: str, content_type: str
) -> None:
    now = str(int(time.time()))
    for at, signature in ((now, "v0=0"), ("soon", "v0=0"), (now, "é"), ("9" * 400, "")):
        headers = {
            "Content-Type": content_type, "X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature,
        }  # fmt: skip
        sent = aiohttp.ClientSession()
        async with (
            sent,
            sent.post(str(space.slack.target), data=raw.encode(errors="surrogateescape"), headers=headers) as got,
        ):
            assert got.status == 401


async def test_slacks_question_whether_the_address_is_ours_is_answered(space: Workspace) -> None:
    asked = await space.slack.deliver("events_api", {"type": "url_verification", "challenge": "3eZbrw1aB"})
    assert (asked.status, asked.body) == (200, {"challenge": "3eZbrw1aB"})
