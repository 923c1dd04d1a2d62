"""The front page: where to begin, and how to have Soonish where one talks already."""

from typing import Any

import pytest
from pydantic import SecretStr

from core.settings import Settings
from tests.conftest import Inhabited
from tests.web.client import Browser
from tests.web.conftest import Stage, playing
from tests.web.test_accounts import signed_in

DISCORD: dict[str, Any] = {"discord_bot_token": SecretStr("token"), "discord_client_id": "4711"}
SLACK: dict[str, Any] = {"slack_bot_token": SecretStr("xoxb-1")}


@pytest.mark.parametrize("on", [{}, DISCORD, SLACK, DISCORD | SLACK], ids=["neither", "discord", "slack", "both"])
async def test_it_says_how_to_have_it_on_each_platform_or_that_it_is_not_there_yet(
    settings: Settings, inhabited: Inhabited, on: dict[str, Any]
) -> None:
    async with playing(settings.model_copy(update=on), inhabited) as stage:
        page = (await stage.visitor.get("/")).text
    added = f'<a class="btn" href="{settings.discord_authorize_url}?client_id=4711"'
    for there, name, words in (
        ("discord_bot_token" in on, "Discord", (added, "/event create")),
        ("slack_bot_token" in on, "Slack", ("nothing to install", "/soonish create")),
    ):
        assert [text in page for text in words] == [there, there]
        assert (f"not on {name} yet" in page) is not there


async def test_announcing_something_begins_at_once_or_right_after_signing_in(stage: Stage) -> None:
    for browser in (Browser(stage.app), await signed_in(stage)):
        assert '<a class="btn primary" href="/new">Announce something</a>' in (await browser.get("/")).text
    visitor = Browser(stage.app)
    asked = await visitor.get("/new")
    assert (asked.status, asked.headers["location"]) == (303, "/sign-in")
    assert visitor.jar["__Host-soonish-back"] == "%2Fnew"
