"""Pages as somebody sees them who is signed in: a private event, an invitation, the links on top of every page."""

import pytest

from core.tokens import ConfirmToken, confirm_token, invitation_token
from tests.web.client import Answer, Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import signed_in
from tests.web.test_invitations import invited
from tests.web.test_links import newest

OWN = "private, no-store"
ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"


async def guest(stage: Stage, page: str) -> Browser:
    browser = await signed_in(stage, BOB)
    answer = await browser.form(f"{page}/accept", {})
    assert answer.status == 303, answer.text
    return browser


async def seen(browser: Browser, event: str) -> list[Answer]:
    return [await browser.get(f"/e/{event}"), await browser.get(f"/e/{event}/cover.svg")]


async def test_a_private_event_has_a_page_for_owner_organizer_and_guest_and_for_nobody_else(stage: Stage) -> None:
    event, _, page = await invited(stage)
    owner, friend = await signed_in(stage, ALICE), await guest(stage, page)
    for browser in (owner, friend):
        for answer in await seen(browser, event):
            assert (answer.status, answer.headers["cache-control"]) == (200, OWN)
            assert "etag" not in answer.headers
    for stranger in (Browser(stage.app), await signed_in(stage, CAROL)):
        for answer in await seen(stranger, event):
            assert answer.status == 404
            assert "Film night" not in answer.text


async def test_a_private_event_offers_its_guests_only_what_works_for_them(stage: Stage) -> None:
    event, _, page = await invited(stage)
    browser = await guest(stage, page)
    private = (await browser.get(f"/e/{event}")).text
    for useless in ("webcal://", f"/e/{event}.atom", 'rel="alternate"'):
        assert useless not in private
    assert '<a href="/account/calendars">' in private
    await stage.alice.patch(f"/api/events/{event}", {"is_public": True})
    public = (await browser.get(f"/e/{event}")).text
    for useful in (f'<a href="webcal://soonish.test/e/{event}.ics">', f"/e/{event}.atom", 'rel="alternate"'):
        assert useful in public


async def test_an_organizer_of_a_private_event_has_its_page(stage: Stage) -> None:
    event = await stage.event(is_public=False)
    asked = await stage.alice.post(f"/api/events/{event}/organizers", {"email": BOB})
    browser = await signed_in(stage, BOB)
    page = "/i/" + invitation_token(stage.core.keys, asked.json["id"])
    assert "Help organize" in (await browser.get(page)).text
    there = (await browser.form(f"{page}/accept", {})).headers["location"]
    assert there == f"/e/{event}?said=organize"
    assert "You now help organize this." in (await browser.get(there)).text


async def test_what_a_guest_saw_is_gone_with_the_invitation_whatever_their_browser_kept(stage: Stage) -> None:
    event, made, page = await invited(stage)
    browser = await guest(stage, page)
    await stage.alice.patch(f"/api/events/{event}", {"is_public": True})
    visitor = await Browser(stage.app).get(f"/e/{event}")
    await stage.alice.patch(f"/api/events/{event}", {"is_public": False})
    await stage.alice.delete(f"/api/events/{event}/invitations/{made.json['id']}")
    for who in (browser, Browser(stage.app)):
        answer = await who.get(f"/e/{event}", if_none_match=visitor.headers["etag"])
        assert (answer.status, "Film night" in answer.text) == (404, False)


async def test_visitors_keep_their_cached_page_and_nobody_else_gets_it(stage: Stage) -> None:
    event = await stage.event()
    visitor, person = Browser(stage.app), await signed_in(stage)
    first = await visitor.get(f"/e/{event}")
    assert (first.headers["cache-control"], first.headers["vary"]) == ("private, no-cache", "Cookie")
    assert (await visitor.get(f"/e/{event}", if_none_match=first.headers["etag"])).status == 304
    mine = await person.get(f"/e/{event}", if_none_match=first.headers["etag"])
    assert (mine.status, mine.headers["cache-control"]) == (200, OWN)
    assert "Sign out" in mine.text
    assert "Sign out" not in first.text


@pytest.mark.parametrize("path", ["/", "/privacy", "/account"])
async def test_pages_say_who_is_signed_in_and_are_stored_by_nobody_then(stage: Stage, path: str) -> None:
    page = await (await signed_in(stage)).get(path)
    assert (page.status, page.headers["cache-control"]) == (200, OWN)
    assert 'action="/sign-out"' in page.text
    if path != "/account":
        visitor = (await Browser(stage.app).get(path)).text
        assert 'href="/sign-in"' in visitor
        assert "Sign out" not in visitor


async def test_a_guest_follows_by_one_press(stage: Stage) -> None:
    event, _, page = await invited(stage)
    browser = await guest(stage, page)
    assert 'name="email"' not in (await browser.get(f"/e/{event}")).text
    done = await browser.form(f"/e/{event}/follow", {})
    assert (done.status, "You're set." in done.text) == (200, True)
    assert (await stage.alice.get(f"/api/events/{event}")).json["subscribers"] == 1
    assert (await Browser(stage.app).form(f"/e/{event}/follow", {})).status == 404
    assert (await Browser(stage.app).form(f"/e/{await stage.event()}/follow", {})).status == 401


# The page of an invitation


async def test_an_invitation_says_as_whom_it_is_accepted_and_does_so_on_a_press(stage: Stage) -> None:
    event, _, page = await invited(stage)
    browser, before = await signed_in(stage, BOB), await stage.rows()
    shown = await browser.get(page)
    assert f"Accept as {BOB}" in shown.read
    assert (shown.headers["cache-control"], 'name="email"' in shown.text) == ("no-store", True)
    assert (await browser.get(f"/e/{event}")).status == 404
    assert (await stage.rows())["event_grants"] == before["event_grants"]
    for _ in range(2):
        assert (await browser.form(f"{page}/accept", {})).headers["location"] == f"/e/{event}?said=follow"
    assert (await stage.rows())["event_grants"] == before["event_grants"] + 1


async def test_accepting_an_invitation_says_so_and_that_nothing_is_sent_before_one_follows(stage: Stage) -> None:
    event, _, page = await invited(stage)
    browser, offer = await signed_in(stage, BOB), "Press “Nudge me” to get reminders."
    there = (await browser.form(f"{page}/accept", {})).headers["location"]
    shown = (await browser.get(there)).text
    assert ("You&#39;re in" in shown, offer in shown) == (True, True)
    await browser.form(f"/e/{event}/follow", {})
    shown = (await browser.get(there)).text
    assert ("You&#39;re in" in shown, offer in shown) == (True, False)
    assert "said" not in (await browser.get(f"/e/{event}?said=anything")).text


async def test_an_invitation_for_one_use_is_not_used_up_for_whoever_used_it(stage: Stage) -> None:
    event, _, page = await invited(stage, max_uses=1)
    browser = await guest(stage, page)
    assert (await browser.get(page)).status == 200
    assert (await browser.form(f"{page}/accept", {})).headers["location"] == f"/e/{event}?said=follow"
    late = await signed_in(stage, CAROL)
    for answer in (await late.get(page), await late.form(f"{page}/accept", {})):
        assert (answer.status, "used up" in answer.text) == (404, True)


async def test_somebody_elses_invitation_is_refused_on_the_page_in_words(stage: Stage) -> None:
    event = await stage.event(is_public=False)
    asked = await stage.alice.post(f"/api/events/{event}/invitations", {"kind": "email", "email": BOB})
    page, carol = "/i/" + invitation_token(stage.core.keys, asked.json["id"]), await signed_in(stage, CAROL)
    refused = await carol.form(f"{page}/accept", {})
    assert (refused.status, "for another address" in refused.text) == (403, True)
    assert (await carol.get(f"/e/{event}")).status == 404


async def test_without_an_account_accepting_leads_back_to_the_page(stage: Stage) -> None:
    _, _, page = await invited(stage)
    visitor = Browser(stage.app)
    assert "Accept as" not in (await visitor.get(page)).text
    assert (await visitor.form(f"{page}/accept", {})).headers["location"] == page


async def test_a_link_that_several_addresses_used_still_opens(stage: Stage) -> None:
    _, _, page = await invited(stage)
    for name in ("nora", "olga"):
        await stage.visitor.form(page, {"email": f"{name}@example.org"})
        row = await newest(stage)
        token = confirm_token(stage.core.keys, ConfirmToken("subscription", row.id, int(row.requested_at.timestamp())))
        assert (await stage.visitor.form(f"/c/{token}", {})).status == 200
    assert (await stage.visitor.get(page)).status == 200


async def test_an_address_that_was_let_in_keeps_its_way_in_as_an_account(stage: Stage) -> None:
    event, _, page = await invited(stage)
    await stage.visitor.form(page, {"email": "nora@example.org"})
    row = await newest(stage)
    token = confirm_token(stage.core.keys, ConfirmToken("subscription", row.id, int(row.requested_at.timestamp())))
    await stage.visitor.form(f"/c/{token}", {})
    nora = await signed_in(stage, "nora@example.org")
    assert (await nora.get(f"/e/{event}")).status == 200
    sent = await stage.alice.post(f"/api/events/{event}/notify", {"title": "Hi", "body": "There"})
    report = (await stage.alice.get(f"/api/notifications/{sent.json['id']}")).json
    assert report["waiting"] == 1
