"""Accounts as a browser sees them: registering, both ways in, sessions and their cookie, and who tries to take over."""

import html
import re

import pytest
from sqlalchemy import select, update

from core.db.models import AuditEntry, Session, Token, User
from core.tokens import LinkToken, link_token
from tests.core.look import statements
from tests.web.client import Answer, Browser
from tests.web.conftest import Stage

NORA, ALICE = "nora@example.org", "alice@example.org"
PASSWORD = "correct horse battery"
COOKIE, ASKED = "__Host-soonish", "__Host-soonish-asked"


async def newest_link(stage: Stage) -> str:
    """The path of the link in the latest mail."""
    async with stage.core.db.read() as session:
        row = (await session.scalars(select(Token).where(Token.purpose != "api").order_by(Token.id.desc()))).first()
    assert row is not None
    asked_at = int(row.created_at.timestamp())
    named = LinkToken("verify" if row.purpose == "verify" else "sign_in", row.id, asked_at)
    return "/in/" + link_token(stage.core.keys, named)


async def asked(stage: Stage, browser: Browser, email: str = ALICE) -> str:
    assert (await browser.post("/api/auth/register", {"email": email})).status == 202
    return await newest_link(stage)


def way_on(answer: Answer) -> str:
    """Where a page that keeps a form sends its person to say who they are."""
    found = re.search(r'href="(/sign-in[^"]*)"', answer.text)
    assert found is not None, answer.text
    return html.unescape(found[1])


async def signed_in(stage: Stage, email: str = ALICE, peer: str = "203.0.113.7") -> Browser:
    browser = Browser(stage.app, peer)
    answer = await browser.form(await asked(stage, browser, email), {})
    assert (answer.status, answer.headers["location"]) == (303, "/events")
    return browser


async def with_password(stage: Stage, email: str = ALICE) -> Browser:
    browser = await signed_in(stage, email)
    answer = await browser.send("PUT", "/api/me/password", json={"password": PASSWORD})
    assert answer.status == 204, answer.text
    return browser


async def audited(stage: Stage) -> list[str]:
    async with stage.core.db.read() as session:
        return list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


# Registering


async def test_registering_by_the_pages_alone(stage: Stage) -> None:
    browser = Browser(stage.app)
    assert "Mail me a link" in (await browser.get("/sign-in")).text
    sent = await browser.form("/sign-in", {"email": NORA})
    assert (sent.status, "Check your inbox" in sent.text) == (200, True)
    page = await browser.get(await newest_link(stage))
    assert "Yes, that" in page.text
    assert "n•••a@example.org" in page.text
    assert NORA not in page.text
    assert (await browser.form(await newest_link(stage), {})).headers["location"] == "/events"
    assert NORA in (await browser.get("/account")).text
    me = (await browser.get("/api/me")).json
    assert (me["email"], me["is_verified"], me["has_password"]) == (NORA, True, False)
    assert (await browser.post("/api/events", {"name": "Mine", "start_date": "2027-05-01T19:30:00Z"})).status == 201


async def test_a_link_that_is_only_looked_at_changes_nothing(stage: Stage) -> None:
    browser = Browser(stage.app)
    for email in (NORA, ALICE):
        link, before = await asked(stage, browser, email), await stage.rows(but=())
        assert (await browser.send("HEAD", link)).status == 200
        assert (await browser.get(link, sec_purpose="prefetch;prerender")).status == 200
        assert (await browser.get(link, sec_fetch_dest="image")).status == 200
        assert (await Browser(stage.app).get(link)).status == 200
        assert await stage.rows(but=()) == before


async def test_verifying_asks_for_a_press_even_in_the_browser_that_asked(stage: Stage) -> None:
    browser = Browser(stage.app)
    link = await asked(stage, browser, NORA)
    assert (await browser.get(link)).status == 200
    assert COOKIE not in browser.jar


@pytest.mark.parametrize("path", ["/api/auth/register", "/api/auth/login"])
async def test_known_and_unknown_addresses_are_answered_alike(stage: Stage, path: str) -> None:
    await asked(stage, Browser(stage.app), "unverified@example.org")
    seen = set()
    for email in (ALICE, "unverified@example.org", "zoe@example.org"):
        with statements(stage.core) as cost:
            answer = await Browser(stage.app).post(path, {"email": email})
        names = tuple(each.partition("=")[0] for each in answer.cookies)
        seen.add((answer.status, answer.body, tuple(answer.headers), names, len(cost)))
    assert len(seen) == 1
    assert next(iter(seen))[0] == 202


async def test_what_is_no_address_is_said_so(stage: Stage) -> None:
    for path in ("/api/auth/register", "/api/auth/login"):
        answer = await stage.visitor.post(path, {"email": "nobody"})
        assert (answer.status, answer.fields) == (422, ["email"])
    page = await stage.visitor.form("/sign-in", {"email": "nobody"})
    assert (page.status, "not an e-mail address" in page.text) == (422, True)


# Signing in by link


async def test_a_link_signs_in_at_once_in_the_browser_that_asked(stage: Stage) -> None:
    browser = Browser(stage.app)
    link = await asked(stage, browser)
    answer = await browser.get(link, sec_fetch_site="cross-site", sec_fetch_dest="document")
    assert (answer.status, answer.headers["location"]) == (303, "/events")
    assert ASKED not in browser.jar
    assert (await browser.get("/api/me")).json["email"] == ALICE


async def test_a_link_forwarded_to_another_browser_asks_first(stage: Stage) -> None:
    browser, other = Browser(stage.app), Browser(stage.app)
    link = await asked(stage, browser)
    await asked(stage, other, NORA)
    page = await other.get(link)
    assert "Another one asked for this link" in page.text
    assert COOKIE not in other.jar
    assert (await browser.get(link)).status == 303


async def test_links_that_do_not_work_say_so_kindly(stage: Stage) -> None:
    browser = Browser(stage.app)
    used = await asked(stage, browser)
    await browser.form(used, {})
    late = await asked(stage, browser)
    stage.clock.pass_(minutes=15, seconds=1)
    for link, status, words in (
        (used, 404, "older than fifteen minutes"),
        (late, 404, "older than fifteen minutes"),
        (late[:-3], 404, "a part of it is missing"),
        ("/in/made-up", 404, "not one of ours"),
    ):
        for answer in (await browser.get(link), await browser.form(link, {})):
            assert (answer.status, words in answer.text) == (status, True), answer.text
    again = await asked(stage, browser)
    await browser.form(again, {})
    for answer in (await browser.get(again), await browser.form(again, {})):
        assert (answer.status, "has done its work" in answer.text) == (409, True)


async def test_an_unverified_account_is_verified_instead_of_signed_in(stage: Stage) -> None:
    browser = Browser(stage.app)
    await asked(stage, browser, NORA)
    assert (await browser.post("/api/auth/login", {"email": NORA})).status == 202
    assert "Yes, that" in (await browser.get(await newest_link(stage))).text


# Taking over


async def test_who_registers_somebody_elses_address_gets_nothing(stage: Stage) -> None:
    for email in (ALICE, NORA):
        attacker, owner = Browser(stage.app, "198.51.100.1"), Browser(stage.app)
        link = await asked(stage, attacker, email)
        assert (await attacker.get("/api/me")).status == 401
        assert (await owner.form(link, {})).status == 303
        assert (await attacker.get("/api/me")).status == 401
        assert (await attacker.get(link)).status == 409


async def test_a_cookie_is_worth_nothing_after_signing_out(stage: Stage) -> None:
    browser, thief = await signed_in(stage), Browser(stage.app)
    thief.jar = dict(browser.jar)
    assert (await thief.get("/api/me")).status == 200
    assert (await browser.post("/api/auth/logout")).status == 204
    assert COOKIE not in browser.jar
    assert (await thief.get("/api/me")).status == 401
    assert (await thief.get("/account")).headers["location"] == "/sign-in"
    assert (await browser.post("/api/auth/logout")).status == 204


async def test_other_sessions_end_when_the_password_changes(stage: Stage) -> None:
    thief, browser = await signed_in(stage), await with_password(stage)
    assert (await thief.get("/api/me")).status == 401
    assert (await browser.get("/api/me")).status == 200
    assert len((await browser.get("/api/me/sessions")).json["items"]) == 1


async def test_a_session_that_is_signed_in_again_is_another_one(stage: Stage) -> None:
    browser = await signed_in(stage)
    before = browser.jar[COOKIE]
    await browser.form(await asked(stage, browser), {})
    assert browser.jar[COOKIE] != before
    assert len((await browser.get("/api/me/sessions")).json["items"]) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example", "sec_fetch_site": ""},
        {"origin": "null", "sec_fetch_site": ""},
    ],
)
async def test_other_sites_change_nothing_with_our_cookie(stage: Stage, headers: dict[str, str]) -> None:
    browser = await signed_in(stage)
    (session,) = (await browser.get("/api/me/sessions")).json["items"]
    before = await stage.rows()
    for method, path in (
        ("POST", "/api/auth/logout"),
        ("DELETE", f"/api/me/sessions/{session['id']}"),
        ("POST", "/sign-out"),
        ("POST", f"/account/sessions/{session['id']}/end"),
    ):
        answer = await browser.send(method, path, headers=headers)
        assert answer.status == 403, (method, path)
    assert await stage.rows() == before


# Sessions


async def test_the_cookie_is_ours_alone_and_only_its_hash_is_kept(stage: Stage) -> None:
    browser = Browser(stage.app)
    answer = await browser.form(await asked(stage, browser), {})
    (cookie,) = [each for each in answer.cookies if each.startswith(f"{COOKIE}=")]
    parts = {each.strip().lower() for each in cookie.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= parts
    assert not any(part.startswith("domain") for part in parts)
    async with stage.core.db.read() as session:
        (row,) = list(await session.scalars(select(Session)))
    assert browser.jar[COOKIE] not in repr(vars(row))


async def test_sessions_are_seen_and_ended_by_their_person(stage: Stage) -> None:
    first, second, carol = await signed_in(stage), await signed_in(stage), await signed_in(stage, "carol@example.org")
    found = (await second.get("/api/me/sessions")).json["items"]
    assert [each["current"] for each in found] == [True, False]
    assert (await carol.form(f"/account/sessions/{found[1]['id']}/end", {})).status == 404
    assert "Sign out there" in (await second.get("/account")).text
    assert (await second.form(f"/account/sessions/{found[1]['id']}/end", {})).status == 303
    assert (await first.get("/api/me")).status == 401
    assert (await second.form("/sign-out", {})).headers["location"] == "/sign-in"
    assert (await second.get("/api/me")).status == 401


async def test_a_session_ends_a_month_after_it_was_last_seen(stage: Stage) -> None:
    browser = await signed_in(stage)
    for _ in range(3):
        stage.clock.pass_(days=29)
        assert (await browser.get("/api/me")).status == 200
    stage.clock.pass_(days=30, seconds=1)
    assert (await browser.get("/api/me")).status == 401
    event = await stage.event(start_date="2027-12-01T19:30:00Z")
    assert (await browser.get(f"/api/events/{event}")).status == 200


# Passwords


async def test_a_password_that_a_browser_filled_in_is_not_tried_where_a_link_is_asked_for(stage: Stage) -> None:
    await with_password(stage)
    typed = {"email": ALICE, "password": "filled in, and old"}
    asked_for = await Browser(stage.app).form("/sign-in", {**typed, "step": "link"})
    assert (asked_for.status, "Check your inbox" in asked_for.text) == (200, True)
    for step in ("password", ""):
        assert (await Browser(stage.app).form("/sign-in", {**typed, "step": step})).status == 401


async def test_a_password_signs_in_and_every_refusal_is_the_same(stage: Stage) -> None:
    await with_password(stage)
    browser = Browser(stage.app)
    answer = await browser.post("/api/auth/login", {"email": ALICE.upper(), "password": PASSWORD})
    assert (answer.status, answer.body) == (204, b"")
    assert (await browser.get("/api/me")).json["has_password"] is True
    await asked(stage, browser, "unverified@example.org")
    async with stage.core.db.write() as session:
        stored = await session.scalar(select(User.password_hash).where(User.email == ALICE))
        await session.execute(update(User).where(User.email == "unverified@example.org").values(password_hash=stored))
    seen = set()
    for email, password in (
        (ALICE, "wrong"),
        ("bob@example.org", PASSWORD),
        ("zoe@example.org", PASSWORD),
        ("unverified@example.org", PASSWORD),
    ):
        with statements(stage.core) as cost:
            refused = await Browser(stage.app).post("/api/auth/login", {"email": email, "password": password})
        seen.add((refused.status, refused.body, refused.cookies, len(cost)))
    assert len(seen) == 1
    assert next(iter(seen))[0] == 401


async def test_every_refusal_costs_one_comparison(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await with_password(stage)
    hashes, compared = stage.app.state.site.passwords._hashes, []

    class Counting:
        def verify(self, password: str, stored: str) -> bool:
            compared.append(stored.split("$")[:4])
            return bool(hashes.verify(password, stored))

    monkeypatch.setattr(stage.app.state.site.passwords, "_hashes", Counting())
    for email in (ALICE, "bob@example.org", "zoe@example.org"):
        await stage.visitor.post("/api/auth/login", {"email": email, "password": "wrong"})
    assert len(compared) == 3
    assert compared[0] == compared[1] == compared[2]


async def test_guessing_stops_after_twenty_and_locks_nobody_out(stage: Stage) -> None:
    await with_password(stage)

    async def guess(number: int) -> Answer:
        browser = Browser(stage.app, f"198.51.100.{number}")
        return await browser.post("/api/auth/login", {"email": ALICE, "password": "wrong"})

    tries = stage.core.settings.password_tries_per_day
    assert {(await guess(number)).status for number in range(tries)} == {401}
    refused = await guess(200)
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 3600
    assert (await (await signed_in(stage)).get("/api/me")).status == 200


async def test_an_old_session_needs_the_current_password(stage: Stage) -> None:
    browser = await with_password(stage)
    stage.clock.pass_(minutes=16)
    for body, status in (
        ({"password": "another good one"}, 403),
        ({"password": "another good one", "current": "wrong"}, 403),
        ({"password": "short", "current": PASSWORD}, 422),
        ({"password": "another good one", "current": PASSWORD}, 204),
        ({"password": "and one more yet"}, 204),
    ):
        assert (await browser.send("PUT", "/api/me/password", json=body)).status == status, body


async def test_a_password_form_on_the_page_signs_in_or_says_what_else_works(stage: Stage) -> None:
    await with_password(stage)
    browser = Browser(stage.app)
    wrong = await browser.form("/sign-in", {"email": ALICE, "password": "wrong"})
    assert (wrong.status, "Sign in by mail instead" in wrong.text) == (401, True)
    assert "wrong" not in wrong.text
    assert (await browser.form("/sign-in", {"email": ALICE, "password": PASSWORD})).status == 303


async def test_no_password_and_no_address_is_logged_or_audited(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        await with_password(stage)
        await stage.visitor.post("/api/auth/login", {"email": ALICE, "password": "wrong-" + PASSWORD})
    async with stage.core.db.read() as session:
        rows = [repr(vars(row)) for row in await session.scalars(select(AuditEntry))]
    own = [record.getMessage() for record in caplog.records if record.name.startswith(("core", "web"))]
    assert not any(PASSWORD in text or ALICE in text for text in [*rows, *own])
    assert {"register", "use_link", "store_password", "try_password"} <= set(await audited(stage))
