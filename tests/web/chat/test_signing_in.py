"""Signing in with Discord and Slack, as a browser does: real HTTP to a platform on this machine."""

import dataclasses
from pathlib import Path

import pytest

from core.identities import providers
from core.settings import Settings
from tests.conftest import Inhabited
from tests.oauth import OAuthServer, Person
from tests.web.chat.conftest import PLATFORMS, TOKEN_PATH, nothing_came_of_it, off, through, users
from tests.web.client import Browser
from tests.web.conftest import NOW, Stage, playing, settings_in
from tests.web.test_accounts import ALICE, COOKIE


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_chat_identity_signs_in_and_is_the_same_account_ever_after(
    stage: Stage, chat: OAuthServer, platform: str
) -> None:
    assert f"Sign in with {platform.title()}" in (await stage.visitor.get("/sign-in")).text
    browser, answer = await through(stage, chat, platform)
    assert (answer.status, answer.headers["location"]) == (303, "/events")
    me = (await browser.get("/api/me")).json
    assert (me["email"], me["is_verified"], me["display_name"]) == (None, True, "Bob on chat")
    page = (await browser.get("/account")).text
    assert "Bob on chat" in page
    made = await browser.post("/api/events", {"name": "Mine", "start_date": "2027-05-01T19:30:00Z"})
    assert made.status == 201
    again, _ = await through(stage, chat, platform, Person(name="Bobby"))
    assert (await again.get("/api/me")).json["id"] == me["id"]
    assert [one["display_name"] for one in (await again.get("/api/me/identities")).json["items"]] == ["Bobby"]


async def test_a_slack_member_is_somebody_else_in_every_workspace(stage: Stage, chat: OAuthServer) -> None:
    ids = set()
    for tenant in ("T0001", "T0002"):
        browser, _ = await through(stage, chat, "slack", Person(tenant_id=tenant))
        ids.add((await browser.get("/api/me")).json["id"])
    assert len(ids) == 2


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_profile_email_finds_no_account_and_is_not_stored(
    stage: Stage, chat: OAuthServer, platform: str
) -> None:
    before = {user.id for user in await users(stage)}
    browser, _ = await through(stage, chat, platform, Person(email=ALICE))
    (new,) = [user for user in await users(stage) if user.id not in before]
    assert (await browser.get("/api/me")).json["id"] == new.id
    assert (new.email, new.email_verified_at) == (None, None)
    async with stage.core.db.read_rows() as connection:
        for table in ("users", "identities", "integrations", "tokens", "audit_log"):
            found = (await connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT 3")).all()  # noqa: S608
            assert table == "users" or ALICE not in str(found)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_replayed_oauth_state_opens_nothing(stage: Stage, chat: OAuthServer, platform: str) -> None:
    browser = Browser(stage.app)
    address = await off(browser, platform)
    first = chat.consent(address)
    assert (await browser.get(first)).status == 303
    before, calls = await stage.rows(), len(chat.asked)
    browser.jar.pop(COOKIE)
    for way in (first, chat.consent(address, Person(external_id="999"))):
        answer = await browser.get(way)
        assert answer.status == 409
        await nothing_came_of_it(stage, browser, answer, before)
    assert len(chat.asked) == calls


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_the_state_of_another_browser_opens_nothing(stage: Stage, chat: OAuthServer, platform: str) -> None:
    theirs, victim, before = Browser(stage.app), Browser(stage.app), await stage.rows()
    way = chat.consent(await off(theirs, platform))
    assert (await victim.get(way)).status == 404
    await off(victim, platform)
    answer = await victim.get(way)
    assert answer.status == 404
    await nothing_came_of_it(stage, victim, answer, before)
    assert chat.asked == []


@pytest.mark.parametrize("bend", ["gone", "cut", "forged", "other platform", "late"])
async def test_a_state_that_is_not_ours_opens_nothing(stage: Stage, chat: OAuthServer, bend: str) -> None:
    browser, before = Browser(stage.app), await stage.rows()
    way = chat.consent(await off(browser, "discord"))
    head, _, state = way.partition("&state=")
    bent = {
        "gone": head,
        "cut": way[:-3],
        "forged": f"{head}&state={state[::-1]}",
        "other platform": way.replace("discord", "slack", 1),
        "late": way,
    }
    if bend == "late":
        stage.clock.pass_(minutes=10, seconds=1)
    answer = await browser.get(bent[bend])
    assert answer.status == 404, answer.text
    await nothing_came_of_it(stage, browser, answer, before)
    assert chat.asked == []


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_whoever_says_no_there_is_told_so_here(stage: Stage, chat: OAuthServer, platform: str) -> None:
    browser, before = Browser(stage.app), await stage.rows()
    state = chat.consent(await off(browser, platform)).partition("state=")[2]
    answer = await browser.get(f"/sign-in/{platform}/callback?error=access_denied&state={state}")
    assert (answer.status, "did not let you in" in answer.text) == (403, True)
    await nothing_came_of_it(stage, browser, answer, before)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_code_works_once(stage: Stage, chat: OAuthServer, platform: str) -> None:
    browser = Browser(stage.app)
    first = chat.consent(await off(browser, platform))
    assert (await browser.get(first)).status == 303
    browser.jar.pop(COOKIE)
    before, code = await stage.rows(), first.partition("code=")[2].partition("&")[0]
    state = chat.consent(await off(browser, platform)).partition("state=")[2]
    answer = await browser.get(f"/sign-in/{platform}/callback?code={code}&state={state}")
    assert (answer.status, "did not confirm who you are" in answer.text) == (403, True)
    await nothing_came_of_it(stage, browser, answer, before)


@pytest.mark.parametrize("spoilt", [(500, "oops"), (429, "{}"), (200, "<html>"), (200, "[]"), (200, "{}"), (302, "")])
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_platform_that_is_in_trouble_lets_nobody_in(
    stage: Stage, chat: OAuthServer, platform: str, spoilt: tuple[int, str]
) -> None:
    chat.spoil["*"] = spoilt
    before = await stage.rows()
    browser, answer = await through(stage, chat, platform)
    assert answer.status == 503, answer.text
    await nothing_came_of_it(stage, browser, answer, before)


@pytest.mark.parametrize(
    "body", ['{"id": 7}', '{"id": ""}', '{"id": "' + "9" * 70 + '"}', '{"id": "7\\u0000"}', "null"]
)
async def test_a_profile_that_names_nobody_is_nobody(stage: Stage, chat: OAuthServer, body: str) -> None:
    chat.spoil["/api/v10/users/@me"] = (200, body)
    before = await stage.rows()
    browser, answer = await through(stage, chat, "discord")
    assert answer.status == 503
    await nothing_came_of_it(stage, browser, answer, before)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_platform_that_is_away_or_slow_is_said_to_be(
    stage: Stage, chat: OAuthServer, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = providers.provider_of
    monkeypatch.setattr(
        "web.pages.identities.provider_of",
        lambda settings, name: dataclasses.replace(known(settings, name), timeout=0.2),  # type: ignore[type-var]
    )
    before = await stage.rows()
    chat.spoil[TOKEN_PATH[platform]] = "hang"
    browser, answer = await through(stage, chat, platform)
    assert (answer.status, "does not answer" in answer.text) == (503, True)
    assert "retry-after" in answer.headers
    await chat.stop()
    browser, answer = await through(stage, chat, platform)
    assert (answer.status, "does not answer" in answer.text) == (503, True)
    await nothing_came_of_it(stage, browser, answer, before)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://slack.example"},
        {"aud": "another-client"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": int(NOW.timestamp()) - 100},
        {"exp": "soon"},
        {"https://slack.com/team_id": None},
        {"https://slack.com/user_id": ["U1"]},
    ],
)
async def test_an_id_token_for_somebody_else_or_another_time_is_refused(
    stage: Stage, chat: OAuthServer, claims: dict[str, object]
) -> None:
    chat.claims = claims
    before = await stage.rows()
    browser, answer = await through(stage, chat, "slack")
    assert answer.status == 503, answer.text
    await nothing_came_of_it(stage, browser, answer, before)


async def test_nothing_of_the_platforms_tokens_is_kept(stage: Stage, chat: OAuthServer) -> None:
    for platform in PLATFORMS:
        await through(stage, chat, platform)
    dump = (stage.core.settings.soonish_data / "soonish.db").read_bytes()
    dump += (stage.core.settings.soonish_data / "soonish.db-wal").read_bytes()
    assert b"Bob on chat" in dump
    for secret in (b"access-0", b"refresh", b"code-1", b"the-client-secret"):
        assert secret not in dump


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_whatever_only_looks_goes_through_nothing(stage: Stage, chat: OAuthServer, platform: str) -> None:
    browser = Browser(stage.app)
    before = await stage.rows(but=())
    assert (await browser.send("HEAD", f"/sign-in/{platform}")).status == 303
    way = chat.consent(await off(browser, platform))
    assert (await browser.send("HEAD", way)).status == 303
    assert (await browser.get(way, sec_purpose="prefetch")).headers["location"] == "/sign-in"
    assert await stage.rows(but=()) == before
    assert (await browser.get(way)).headers["location"] == "/events"


async def test_a_client_gets_twenty_ways_in_an_hour(stage: Stage, chat: OAuthServer) -> None:
    for _ in range(20):
        await through(stage, chat, "discord")
    _, answer = await through(stage, chat, "discord")
    assert answer.status == 429


async def test_nothing_is_offered_that_is_not_configured(tmp_path: Path, inhabited: Inhabited) -> None:
    async with playing(settings_in(tmp_path), inhabited) as plain:
        assert "Discord" not in (await plain.visitor.get("/sign-in")).text
        for path in ("/sign-in/discord", "/sign-in/slack", "/sign-in/discord/callback", "/sign-in/irc"):
            assert (await plain.visitor.get(path)).status == 404


@pytest.mark.parametrize(
    "bad",
    [
        {"discord_api_base_url": "http://discord.example/api"},
        {"discord_authorize_url": "http://127.0.0.1.example/"},
        {"slack_authorize_url": "javascript:alert(1)"},
        {"slack_api_base_url": "https://slack.com/"},
        {"slack_api_base_url": "http://slack.com/api/"},
    ],
)
def test_secrets_go_over_plain_http_to_this_machine_only(bad: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="must"):
        Settings(_env_file=None, **bad)  # type: ignore[arg-type]
    for fine in ("http://127.0.0.1:9/api/", "http://localhost:9/api/", "http://[::1]:9/api/"):
        assert Settings(_env_file=None, slack_api_base_url=fine).slack_api_base_url == fine
