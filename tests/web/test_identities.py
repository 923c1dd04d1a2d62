"""Signing in with Discord and Slack, as a browser does: real HTTP to a platform on this machine."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select

from core.db.models import User
from core.identities import providers
from core.settings import Settings
from tests.conftest import Inhabited
from tests.oauth import OAuthServer, Person
from tests.web.client import Answer, Browser
from tests.web.conftest import NOW, Stage, playing, settings_in
from tests.web.test_accounts import ALICE, COOKIE, asked, signed_in, way_on

PLATFORMS = ["discord", "slack"]
TOKEN_PATH = {"discord": "/api/v10/oauth2/token", "slack": "/api/openid.connect.token"}


@pytest.fixture
async def chat() -> AsyncIterator[OAuthServer]:
    async with OAuthServer(int(NOW.timestamp())) as server:
        yield server


@pytest.fixture
async def stage(tmp_path: Path, inhabited: Inhabited, chat: OAuthServer) -> AsyncIterator[Stage]:
    plain = settings_in(tmp_path)
    settings = Settings(_env_file=None, **(plain.model_dump(exclude_unset=True) | chat.settings))
    async with playing(settings, inhabited) as made:
        yield made


async def off(browser: Browser, platform: str, path: str = "/sign-in/{}") -> str:
    """Where a press on the button leads."""
    answer = await browser.get(path.format(platform))
    assert answer.status == 303, answer.text
    return answer.headers["location"]


async def through(
    stage: Stage, chat: OAuthServer, platform: str, person: Person | None = None
) -> tuple[Browser, Answer]:
    browser = Browser(stage.app)
    return browser, await browser.get(chat.consent(await off(browser, platform), person))


async def users(stage: Stage) -> list[User]:
    async with stage.core.db.read() as session:
        return list(await session.scalars(select(User).order_by(User.id)))


async def nothing_came_of_it(stage: Stage, browser: Browser, answer: Answer, before: dict[str, int]) -> None:
    assert COOKIE not in browser.jar, answer.text
    assert await stage.rows(but=("audit_log", "buckets", "tokens")) == {
        name: count for name, count in before.items() if name != "tokens"
    }


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


async def linking(stage: Stage, chat: OAuthServer, browser: Browser, platform: str = "discord") -> str:
    """The path of the page that asks whether an identity shall be joined, which the platform has just named."""
    answer = await browser.get(chat.consent(await off(browser, platform, "/account/link/{}")))
    assert answer.status == 303, answer.text
    return answer.headers["location"]


async def test_a_signed_in_person_links_discord_after_a_look_and_a_press(stage: Stage, chat: OAuthServer) -> None:
    theirs, _ = await through(stage, chat, "discord")
    await theirs.post("/api/events", {"name": "Board games", "start_date": "2027-05-01T19:30:00Z"})
    alice = await signed_in(stage, ALICE)
    path = await linking(stage, chat, alice)
    before = await stage.rows(but=())
    for _ in range(2):
        page = await alice.get(path)
        assert (page.status, "Bob on chat" in page.text, "Board games" in page.text) == (200, True, True)
        assert (await alice.send("HEAD", path)).status == 200
    assert await stage.rows(but=()) == before
    done = await alice.form(path, {})
    assert (done.status, done.headers["location"]) == (303, "/account")
    assert "Board games" in (await alice.get("/api/events?which=mine")).text
    assert (await theirs.get("/api/me")).status == 401
    assert "Unlink Discord" in (await alice.get("/account")).text
    assert (await alice.get(path)).status == 409
    assert (await alice.form(path, {})).status == 409
    again, _ = await through(stage, chat, "discord")
    assert (await again.get("/api/me")).json["email"] == ALICE


async def test_a_visitor_signs_in_first_and_comes_back_to_the_link(stage: Stage, chat: OAuthServer) -> None:
    alice = await signed_in(stage, ALICE)
    path = await linking(stage, chat, alice)
    visitor = Browser(stage.app)
    first = await visitor.get(path)
    assert (first.status, first.headers["location"]) == (303, "/sign-in")
    assert (await visitor.form(path, {})).status == 401
    back = await visitor.form(await asked(stage, visitor, ALICE), {})
    assert back.headers["location"] == path
    assert (await visitor.get(path)).status == 200
    assert (await visitor.form("/sign-out", {})).status == 303


async def test_linking_wants_a_session_that_proved_itself_lately(stage: Stage, chat: OAuthServer) -> None:
    alice = await signed_in(stage, ALICE)
    stage.clock.pass_(minutes=16)
    chat.issued_at += 16 * 60
    path = await linking(stage, chat, alice)
    before = await stage.rows(but=("audit_log",))
    answer = await alice.form(path, {})
    back = f"/sign-in/again?next={quote(path, safe='')}"
    assert (answer.status, answer.headers["location"]) == (303, back)
    assert await stage.rows(but=("audit_log",)) == before
    fresh = await signed_in(stage, ALICE)
    assert (await fresh.form(path, {})).status == 303


async def test_an_account_without_an_address_proves_itself_in_chat_and_goes_on_where_it_was(
    stage: Stage, chat: OAuthServer
) -> None:
    browser, _ = await through(stage, chat, "discord")
    stage.clock.pass_(minutes=16)
    chat.issued_at += 16 * 60
    answer = await browser.form("/account/erase", {"confirm": "erase"})
    asks = await browser.get(way_on(answer))
    assert ("Sign in with Discord" in asks.text, "Sign in with Slack" in asks.text) == (True, False)
    done = await browser.get(chat.consent(await off(browser, "discord")))
    assert (done.status, done.headers["location"]) == (303, "/account/erase")
    assert (await browser.form("/account/erase", {"confirm": "erase"})).status == 200
    assert (await browser.get("/api/me")).status == 401


async def test_a_link_from_elsewhere_is_not_pressed_by_another_site(stage: Stage, chat: OAuthServer) -> None:
    alice = await signed_in(stage, ALICE)
    path = await linking(stage, chat, alice)
    assert (await alice.form(path, {}, sec_fetch_site="cross-site")).status == 403


async def test_merging_into_an_account_takes_a_press_of_its_own_person(stage: Stage, chat: OAuthServer) -> None:
    """Mallory proves who they are on Discord, and has Alice open the link that came of it."""
    mallory, _ = await through(stage, chat, "discord")
    path = await linking(stage, chat, mallory)
    alice = await signed_in(stage, ALICE)
    before = await stage.rows(but=())
    assert "they could sign in as you" in (await alice.get(path)).text
    await alice.send("HEAD", path)
    await alice.get(path, sec_purpose="prefetch")
    assert (await alice.form(path, {}, sec_fetch_site="cross-site")).status == 403
    assert (await stage.alice.form(path, {})).status == 401, "an API token does not press"
    assert await stage.rows(but=()) == before
    again, _ = await through(stage, chat, "discord")
    assert (await again.get("/api/me")).json["email"] is None


async def test_links_that_are_bent_or_old_say_so(stage: Stage, chat: OAuthServer) -> None:
    alice = await signed_in(stage, ALICE)
    path = await linking(stage, chat, alice)
    for bent in (path[:-1], path + "x", "/link/nonsense"):
        assert "does not work any more" in (await alice.get(bent)).text
        assert (await alice.form(bent, {})).status == 404
    stage.clock.pass_(minutes=10, seconds=1)
    assert (await alice.get(path)).status == 404
    assert (await alice.form(path, {})).status == 404


async def test_an_identity_is_unlinked_on_the_page_and_over_http(stage: Stage, chat: OAuthServer) -> None:
    alice = await signed_in(stage, ALICE)
    for platform in PLATFORMS:
        await alice.form(await linking(stage, chat, alice, platform), {})
    first, second = (await alice.get("/api/me/identities")).json["items"]
    assert (await stage.carol.delete(f"/api/me/identities/{first['id']}")).status == 404
    assert (await alice.form(f"/account/identities/{first['id']}/unlink", {})).status == 303
    assert (await alice.delete(f"/api/me/identities/{second['id']}")).status == 204
    assert (await alice.get("/api/me/identities")).json == {"items": []}
    again, _ = await through(stage, chat, "discord")
    assert (await again.get("/api/me")).json["email"] is None


async def test_the_only_way_in_is_not_unlinked(stage: Stage, chat: OAuthServer) -> None:
    browser, _ = await through(stage, chat, "discord")
    (only,) = (await browser.get("/api/me/identities")).json["items"]
    answer = await browser.delete(f"/api/me/identities/{only['id']}")
    assert (answer.status, "only way" in answer.json["detail"]) == (409, True)


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
