"""Whoever has to sign in comes back to where they were; what is not there says where to go on."""

import re

import pytest

from core.tokens import invitation_token
from tests.web.client import Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import ALICE, asked, signed_in
from web.guard import BODY_LIMIT

BOB = "bob@example.org"
OFFER = "If it is a private event that you were invited to"


async def lands(stage: Stage, browser: Browser, email: str = ALICE) -> str:
    """Where signing in leads this browser."""
    answer = await browser.form(await asked(stage, browser, email), {})
    assert answer.status == 303
    return answer.headers["location"]


@pytest.mark.parametrize("path", ["/account", "/account/log?cursor=9", "/account/erase", "/account/calendars"])
async def test_a_page_of_ones_own_is_come_back_to_after_signing_in(stage: Stage, path: str) -> None:
    browser = Browser(stage.app)
    assert (await browser.get(path)).headers["location"] == "/sign-in"
    assert await lands(stage, browser) == path


async def test_who_signs_in_to_choose_a_channel_comes_back_to_the_event(stage: Stage) -> None:
    event, browser = await stage.event(), Browser(stage.app)
    way = f"/sign-in?next=/e/{event}"
    assert f'href="{way}"' in (await browser.get(f"/e/{event}")).text
    await browser.get(way)
    assert await lands(stage, browser) == f"/e/{event}"


async def test_who_is_asked_to_organize_comes_back_to_the_invitation(stage: Stage) -> None:
    event, browser = await stage.event(), Browser(stage.app)
    sent = await stage.alice.post(f"/api/events/{event}/organizers", {"email": BOB})
    page = "/i/" + invitation_token(stage.core.keys, sent.json["id"])
    await browser.get(page)
    assert await lands(stage, browser, BOB) == page


async def test_signing_in_leads_to_no_other_site(stage: Stage) -> None:
    browser = Browser(stage.app)
    await browser.get("/sign-in?next=//evil.example/")
    assert await lands(stage, browser) == "/events"


async def test_a_visitor_is_offered_to_sign_in_where_an_event_is_not_and_one_that_is_private_says_the_same(
    stage: Stage,
) -> None:
    private, browser = await stage.event(is_public=False), Browser(stage.app)
    there, nowhere = await browser.get(f"/e/{private}"), await browser.get("/e/AAAAAAAAAA")
    assert OFFER in there.text
    assert there.status == nowhere.status == 404
    assert there.text.replace(private, "AAAAAAAAAA") == nowhere.text
    await browser.get(f"/sign-in?next=%2Fe%2F{private}")
    assert await lands(stage, browser) == f"/e/{private}"
    assert OFFER not in (await (await signed_in(stage, BOB)).get(f"/e/{private}")).text
    assert OFFER not in (await browser.get("/nothing-here")).text


async def test_what_is_refused_stands_in_the_frame_of_whoever_is_signed_in(stage: Stage) -> None:
    answer = await (await signed_in(stage, BOB)).get("/nothing-here")
    assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
    assert ("Sign out" in answer.text, 'href="/events"' in answer.text) == (True, True)
    assert 'href="/sign-in"' in (await Browser(stage.app).get("/nothing-here")).text


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/account/profile", "/account"),
        ("/account/sessions/3/end", "/account"),
        ("/channels/7", "/channels"),
        ("/admin/events/AAAAAAAAAA/cancel", "/admin/events/AAAAAAAAAA"),
        ("/e/AAAAAAAAAA/messages/4/retry", "/e/AAAAAAAAAA/messages/4"),
        ("/i/a.token/accept", "/i/a.token"),
    ],
)
async def test_an_address_that_only_takes_forms_leads_back_to_the_page_of_its_form(
    stage: Stage, path: str, page: str
) -> None:
    answer = await Browser(stage.app).get(path)
    assert (answer.status, answer.headers["location"]) == (303, page)
    assert (await stage.visitor.send("PUT", path)).status == 405


async def test_a_password_that_a_visitor_sends_is_forgotten_and_the_page_come_back_to(stage: Stage) -> None:
    browser = Browser(stage.app)
    answer = await browser.form("/account/password", {"password": "a long enough one"})
    assert (answer.status, "You are signed out" in answer.text, "long enough" in answer.text) == (401, True, False)
    assert 'href="/sign-in"' in answer.text
    assert await lands(stage, browser) == "/account"


async def test_the_button_that_undoes_is_found_again_by_going_back_whoever_is_signed_in(stage: Stage) -> None:
    event, bob = await stage.event(), await signed_in(stage, BOB)
    await bob.form(f"/e/{event}/follow", {})
    [number] = re.findall(r'name="subscription" value="(\d+)"', (await bob.get(f"/e/{event}")).text)
    stopped = await bob.form(f"/e/{event}/unfollow", {"subscription": number, "step": "stop"})
    [undo] = re.findall(r'action="(/u/[^"]+/undo)"', stopped.text)
    await bob.form("/sign-out", {})
    asked = await bob.get(undo)
    assert (asked.status, "Undo the stop?" in asked.text, f'action="{undo}"' in asked.text) == (200, True, True)
    assert "You're back in." in (await bob.form(undo, {})).text
    assert "Your events" in (await (await signed_in(stage, BOB)).form(undo, {})).text


NAVIGATION = '<nav aria-label="Main">'


async def test_what_is_refused_before_or_behind_a_route_has_the_navigation_of_whoever_is_there(
    stage: Stage,
) -> None:
    visitor, alice = Browser(stage.app), await signed_in(stage)
    elsewhere = {"sec_fetch_site": "cross-site"}
    for browser, words in ((visitor, ">Sign in</a></nav>"), (alice, "<button>Sign out</button></form></nav>")):
        for answer in (
            await browser.form("/sign-in", {"email": "x" * BODY_LIMIT}),
            await browser.form("/sign-in", {"email": ALICE}, **elsewhere),
            await browser.get("/i/of-nobody"),
            await browser.form("/i/of-nobody/accept", {}),
        ):
            assert answer.status in (403, 404, 413)
            assert NAVIGATION in answer.text
            assert words in answer.text
