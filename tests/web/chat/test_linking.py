"""An identity in chat is joined to an account after a look and a press, proves it again, and is let go."""

from urllib.parse import quote

from tests.oauth import OAuthServer
from tests.web.chat.conftest import PLATFORMS, off, through
from tests.web.client import Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import ALICE, asked, signed_in, way_on


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
