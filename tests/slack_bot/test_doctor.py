"""What the check-up says of the app on Slack, and that the manifest asks for what is needed and nothing else."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn

import pytest

from cli.demo.small_slack.api import APP_TOKEN
from cli.demo.small_slack.server import SmallSlack
from core.chat.installations import Grant, install
from core.chat.installing import SCOPES as NEEDED
from core.chat.installing import installer_of
from core.identities.providers import provider_of
from core.operations.slack import check_installations, check_slack
from core.wiring import build_core
from core.work import SYSTEM, Core
from tests.conftest import MakeSettings

ROOT = Path(__file__).parents[2]
MANIFEST = (ROOT / "deploy/slack-manifest.yaml").read_text()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "the token is accepted in Small; requests come to"),
        ({"slack_app_token": APP_TOKEN}, "Socket Mode is allowed"),
        ({"slack_signing_secret": None}, "no way to reach us"),
        ({"slack_signing_secret": " "}, "no way to reach us"),
        ({"slack_bot_token": "xoxb-wrong"}, "does not accept the bot's token (invalid auth)"),
        ({"slack_app_token": "xapp-wrong"}, "does not accept SLACK_APP_TOKEN (invalid auth)"),
        ({"slack_api_base_url": "http://127.0.0.1:9/api/"}, "Slack does not answer"),
        ({"slack_bot_token": None}, "off"),
    ],
)
async def test_the_doctor_says_what_is_wrong(
    make_settings: MakeSettings, small: SmallSlack, change: dict[str, object], says: str
) -> None:
    core = build_core(make_settings(**small.settings | change))
    found = await check_slack(core)
    await core.db.close()
    assert says in found.detail
    assert found.ok == (says.startswith(("the token", "Socket", "off")))
    assert "wrong" not in found.model_dump_json()


SECRET, SOCKET = {"slack_signing_secret": "s"}, {"slack_app_token": "xapp-1"}
BY_OAUTH = {"slack_client_id": "1.2", "slack_client_secret": "c"}


@pytest.mark.parametrize(
    ("address", "way", "reached"),
    [
        ("http://127.0.0.1:8000", SECRET, False),
        ("https://127.0.0.1", SECRET, False),
        ("https://10.0.0.7", SECRET, False),
        ("https://soonish.local", SECRET, False),
        ("https://soonish", SECRET, False),
        ("http://soonish.example", SECRET, False),
        ("http://soonish.example", SOCKET | BY_OAUTH, False),
        ("http://127.0.0.1:8000", SOCKET, True),
        ("https://soonish.example", SECRET, True),
        ("https://soonish.example", SECRET | BY_OAUTH, True),
    ],
)
async def test_the_doctor_says_where_slack_does_not_reach_the_address(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, address: str, way: dict[str, object], reached: bool
) -> None:
    async def nobody(*_: object) -> NoReturn:
        raise OSError

    monkeypatch.setattr("core.operations.slack.ask_slack", nobody)  # Slack's own address, which no test calls
    core = build_core(make_settings(slack_bot_token="xoxb-1", public_base_url=address, **way))
    found = await check_slack(core)
    await core.db.close()
    assert (found.ok, found.detail.startswith("Slack does not answer")) == (False, reached)
    assert reached or "SLACK_APP_TOKEN" in (found.hint or "") or way.keys() >= BY_OAUTH.keys()


async def test_a_scope_that_is_missing_is_named(make_settings: MakeSettings, small: SmallSlack) -> None:
    small.scopes = small.scopes.replace(",groups:read", "")
    core = build_core(make_settings(**small.settings))
    found = await check_slack(core)
    await core.db.close()
    assert (found.ok, found.detail) == (False, "the bot's token lacks groups:read")


@pytest.fixture
async def many(make_settings: MakeSettings, small: SmallSlack) -> AsyncIterator[Core]:
    core = build_core(make_settings(**small.installable))
    yield core
    await core.db.close()


async def put_in(core: Core, small: SmallSlack, team: str) -> None:
    grant = Grant(platform="slack", tenant_id=team, name=f"Team {team}", token=small.grants.give(team, team), scopes="")
    await core.act(SYSTEM, install, grant)


async def test_the_doctor_asks_every_workspace_and_names_the_one_that_is_lost(many: Core, small: SmallSlack) -> None:
    assert "workspaces add it at http://soonish.test/slack/install" in (await check_slack(many)).detail
    found = await check_installations(many)
    assert (found.ok, "nobody has added it yet" in found.detail) == (True, True)
    for team in ("T2002", "T3003", "T4004"):
        await put_in(many, small, team)
    assert (await check_installations(many)).detail == "it is in 3 workspaces, and every token is accepted"
    small.grants.end("T3003")
    found = await check_installations(many)
    assert (found.ok, found.detail) == (False, "in Team T3003 Slack does not accept the token (account inactive)")
    assert found.hint == "Somebody there adds it again: http://soonish.test/slack/install"
    assert "xox" not in found.model_dump_json()
    small.scopes = small.scopes.replace(",groups:read", "")
    assert (await check_installations(many)).detail == "in Team T4004 the token lacks groups:read, and 2 more"


async def test_the_doctor_asks_a_bounded_number_of_workspaces(
    many: Core, small: SmallSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        await put_in(many, small, f"T{5000 + number}")
    small.calls.clear()
    found = await check_installations(many)
    assert found.detail == "it is in 60 workspaces, and every token of the newest 50 is accepted"
    assert small.calls == ["auth.test"] * 50
    small.delay = 30
    monkeypatch.setattr("core.operations.slack._SECONDS", 0.2)
    assert "does not answer" in (await check_installations(many)).detail


def test_the_manifest_asks_for_what_is_needed_and_the_manual_says_why() -> None:
    asked = set(re.findall(r"^      - ([a-z.:]+)$", MANIFEST.partition("settings:")[0], re.MULTILINE))
    assert asked == NEEDED
    manual = (ROOT / "docs/slack.md").read_text()
    assert set(re.findall(r"^\| `([a-z.:]+)` \|", manual, re.MULTILINE)) == NEEDED


def test_the_manifest_leads_back_to_where_the_app_is_added_and_people_sign_in(make_settings: MakeSettings) -> None:
    settings = make_settings(**SmallSlack().installable, public_base_url="https://soonish.example")
    ways = {found.redirect for found in (installer_of(settings), provider_of(settings, "slack")) if found}
    assert len(ways) == 2
    assert set(re.findall(r"^    - (https://\S+)$", MANIFEST, re.MULTILINE)) == ways


def test_the_app_listens_to_what_the_manifest_subscribes_to() -> None:
    subscribed = set(re.findall(r"^      - ([a-z_]+)$", MANIFEST.partition("settings:")[2], re.MULTILINE))
    source = (ROOT / "bots/slack_bot/app.py").read_text()
    assert subscribed == {name for name in subscribed if f'"{name}"' in source}
    assert "app_home_opened" in subscribed
