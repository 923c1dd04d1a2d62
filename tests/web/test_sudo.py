"""What a cookie left open on somebody's desk must not do: it asks once more who is there, and leads back."""

from urllib.parse import quote

import pytest
from sqlalchemy import select

from core.db.models import Integration
from tests.core.look import rows
from tests.web.client import Browser
from tests.web.conftest import HOOK, Stage
from tests.web.test_accounts import ALICE, COOKIE, PASSWORD, newest_link, signed_in, way_on, with_password
from web.returning import way_back

NEW = {"name": "Mine", "apprise_url": HOOK}
BACK = "__Host-soonish-back"


async def stale(stage: Stage, browser: Browser) -> Browser:
    stage.clock.pass_(minutes=16)
    return browser


async def channel(stage: Stage) -> str:
    return f"/api/integrations/{(await stage.alice.get('/api/integrations')).json['items'][0]['id']}"


async def test_channels_are_added_changed_and_removed_by_whoever_proved_themselves_lately(stage: Stage) -> None:
    browser, before = await stale(stage, await signed_in(stage)), await stage.rows()
    mine = await channel(stage)
    asks = [("POST", "/api/integrations", NEW), ("PATCH", mine, {"is_active": False}), ("DELETE", mine, None)]
    for method, path, body in asks:
        refused = await browser.send(method, path, json=body)
        assert refused.status == 403, (method, refused.text)
        assert "POST /api/auth/confirm" in refused.json["hint"]
        assert "by mail" in refused.json["hint"]
    assert await stage.rows() == before
    assert stage.sender.sent == []
    assert all(row.removed_at is None and row.is_active for row in await rows(stage.core, select(Integration)))
    fresh = await signed_in(stage)
    assert [(await fresh.send(method, path, json=body)).status for method, path, body in asks] == [201, 200, 200]


async def test_looking_needs_no_proof_and_a_token_proves_itself_with_every_request(stage: Stage) -> None:
    browser = await stale(stage, await signed_in(stage))
    for path in ("/api/integrations", "/api/me", "/api/me/sessions", "/account"):
        assert (await browser.get(path)).status == 200
    assert (await stage.alice.post("/api/integrations", NEW)).status == 201


async def test_a_password_proves_it_for_a_quarter_of_an_hour(stage: Stage) -> None:
    browser = await stale(stage, await with_password(stage))
    assert (await browser.post("/api/auth/confirm", {"password": "wrong one"})).status == 403
    assert (await browser.post("/api/integrations", NEW)).status == 403
    assert (await browser.post("/api/auth/confirm", {"password": PASSWORD})).status == 204
    assert (await browser.post("/api/integrations", NEW)).status == 201
    await stale(stage, browser)
    assert (await browser.send("DELETE", await channel(stage))).status == 403


async def test_only_a_session_is_confirmed_and_guesses_are_counted(stage: Stage) -> None:
    browser = await stale(stage, await with_password(stage))
    assert (await stage.visitor.post("/api/auth/confirm", {"password": PASSWORD})).status == 401
    assert (await stage.alice.post("/api/auth/confirm", {"password": PASSWORD})).status == 403
    tries = [(await browser.post("/api/auth/confirm", {"password": "wrong one"})).status for _ in range(21)]
    assert tries[:20] == [403] * 20
    assert tries[20] == 429
    await browser.form("/sign-in/again", {"next": "/account"})
    assert (await browser.get(await newest_link(stage))).status == 303
    assert (await browser.post("/api/integrations", NEW)).status == 201


async def test_without_a_password_no_password_proves_anything(stage: Stage) -> None:
    browser = await stale(stage, await signed_in(stage))
    assert (await browser.post("/api/auth/confirm", {"password": PASSWORD})).status == 403
    assert 'name="password"' not in (await browser.get("/sign-in/again")).text


# The page


async def test_a_password_on_the_page_leads_back_to_where_somebody_was(stage: Stage) -> None:
    browser = await stale(stage, await with_password(stage))
    page = await browser.get("/sign-in/again?next=%2Fe%2Fabc")
    assert ('value="/e/abc"' in page.text, page.headers["cache-control"]) == (True, "private, no-store")
    wrong = await browser.form("/sign-in/again", {"next": "/e/abc", "password": "wrong one"})
    assert (wrong.status, "not right" in wrong.text, 'value="/e/abc"' in wrong.text) == (403, True, True)
    done = await browser.form("/sign-in/again", {"next": "/e/abc", "password": PASSWORD})
    assert (done.status, done.headers["location"]) == (303, "/e/abc")
    assert (await browser.post("/api/integrations", NEW)).status == 201


async def test_a_mailed_link_leads_back_to_where_somebody_was_and_is_another_session(stage: Stage) -> None:
    browser = await stale(stage, await signed_in(stage))
    before = browser.jar[COOKIE]
    sent = await browser.form("/sign-in/again", {"next": "/e/abc"})
    assert (sent.status, "Check your inbox" in sent.text, ALICE in sent.text) == (200, True, False)
    back = await browser.get(await newest_link(stage))
    assert (back.status, back.headers["location"]) == (303, "/e/abc")
    assert BACK not in browser.jar
    assert browser.jar[COOKIE] != before
    assert (await browser.post("/api/integrations", NEW)).status == 201


# What was typed is kept


async def test_a_new_name_typed_too_late_stands_in_its_field_after_the_proof(stage: Stage) -> None:
    browser = await stale(stage, await with_password(stage))
    number = (await channel(stage)).rpartition("/")[2]
    held = await browser.form(f"/channels/{number}", {"name": "Work & home", "step": "rename"})
    assert (held.status, way_on(held)) == (403, "/sign-in/again?next=%2Fchannels")
    assert 'name="name" value="Work &amp; home"' in held.text
    await browser.form("/sign-in/again", {"next": "/channels", "password": PASSWORD})
    page = await browser.form(f"/channels/{number}", {"name": "Work & home", "step": "edit"})
    assert f'id="name-{number}" name="name" maxlength="200" value="Work &amp; home"' in page.text
    done = await browser.form(f"/channels/{number}", {"name": "Work & home", "step": "rename"})
    assert done.headers["location"] == "/channels?said=renamed"


async def test_a_refused_name_stands_in_its_field_beside_what_is_wrong(stage: Stage) -> None:
    browser = await signed_in(stage)
    number = (await channel(stage)).rpartition("/")[2]
    page = await browser.form(f"/channels/{number}", {"name": " ", "step": "rename"})
    assert (page.status, f'id="name-{number}-error"' in page.text) == (422, True)
    assert f'value=" " aria-invalid="true" aria-describedby="name-{number}-error" autofocus' in page.text


async def test_what_was_typed_into_the_accounts_page_is_kept_when_its_session_has_ended(stage: Stage) -> None:
    browser = await signed_in(stage)
    browser.jar.clear()
    held = await browser.form("/account/profile", {"display_name": "Alice A.", "timezone": "Europe/Berlin"})
    assert (held.status, way_on(held)) == (401, "/sign-in")
    assert 'name="display_name" value="Alice A."' in held.text
    fresh = await signed_in(stage)
    done = await fresh.form("/account/profile", {"display_name": "Alice A.", "timezone": "Europe/Berlin"})
    assert "Saved." in done.text


async def test_a_password_is_never_kept_in_a_page(stage: Stage) -> None:
    browser = await stale(stage, await with_password(stage))
    answer = await browser.form("/account/password", {"password": "another long one"})
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in/again?next=%2Faccount")
    browser.jar.clear()
    answer = await browser.form("/account/password", {"password": "another long one", "current": PASSWORD})
    assert (answer.status, "another long one" in answer.text, PASSWORD in answer.text) == (401, False, False)


async def test_a_button_pressed_after_the_session_ended_leads_back_to_its_page(stage: Stage) -> None:
    browser = await signed_in(stage)
    ended = ("/account/calendars/follows/end", "/account/calendars")
    for path, page in (ended, ("/account/sessions/1/end", "/account")):
        browser.jar.clear()
        answer = await browser.form(path, {})
        assert (answer.status, way_on(answer)) == (401, "/sign-in")
        assert browser.jar[BACK] == quote(page, safe=""), path


async def test_nobody_proves_themselves_who_is_not_signed_in(stage: Stage) -> None:
    visitor, before = Browser(stage.app), await stage.rows(but=())
    for answer in (await visitor.get("/sign-in/again?next=/account"), await visitor.form("/sign-in/again", {})):
        assert (answer.status, answer.headers["location"]) == (303, "/sign-in")
    assert await stage.rows(but=()) == before


AWAY = [
    "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "javascript:x",
    "/e/\nLocation: x", "evil", "", "/é", "/" + "x" * 600, "///evil.example", "http:evil",
]  # fmt: skip


@pytest.mark.parametrize("away", AWAY)
def test_no_other_site_is_a_way_back(away: str) -> None:
    assert way_back(away) == "/events"


async def test_neither_a_form_nor_a_cookie_leads_to_another_site(stage: Stage) -> None:
    browser, away = await with_password(stage), "//evil.example"
    assert 'value="/events"' in (await browser.get("/sign-in/again?next=//evil.example")).text
    done = await browser.form("/sign-in/again", {"next": away, "password": PASSWORD})
    assert done.headers["location"] == "/events"
    await browser.form("/sign-in/again", {"next": away})
    browser.jar[BACK] = quote(away, safe="")
    assert (await browser.get(await newest_link(stage))).headers["location"] == "/events"


@pytest.mark.parametrize("path", ["/account", "/e/abc?x=1", "/events/7/edit#part"])
def test_it_leads_to_pages_of_ours(path: str) -> None:
    assert way_back(path) == path
