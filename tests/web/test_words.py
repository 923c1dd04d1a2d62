"""What pages say in passing is true: who is told what, where a way leads, and what is still to come."""

import re

import pytest

from tests.web.client import Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import newest_link, signed_in
from tests.web.test_creating import fields
from tests.web.test_editing import opened


@pytest.fixture
async def alice(stage: Stage) -> Browser:
    return await signed_in(stage, "alice@example.org")


async def test_a_used_link_leads_to_the_page_that_it_names(stage: Stage) -> None:
    await stage.visitor.post("/api/auth/login", {"email": "alice@example.org"})
    link = await newest_link(stage)
    await Browser(stage.app).form(link, {})
    used = await Browser(stage.app).form(link, {})
    assert (used.status, 'href="/sign-in">Sign in</a>' in used.text.partition("<main")[2]) == (409, True)


async def test_an_address_is_corrected_in_a_field_that_has_it(stage: Stage) -> None:
    visitor, event = Browser(stage.app), await stage.event()
    for path in ("/sign-in", f"/e/{event}/subscribe"):
        asked = await visitor.form(path, {"email": "nora@exmaple.org"})
        assert 'form="correct"' in asked.text
        form = asked.text.partition('<form id="correct"')[2].partition("</form>")[0]
        sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        again = await visitor.form(path, {"step": "edit", **sent})
        assert (again.status, 'value="nora@exmaple.org"' in again.text) == (200, True)


async def test_what_is_not_there_asks_nobody_for_an_id(stage: Stage) -> None:
    for path in ("/e/k7Qm2vX9aR", "/e/x", "/c/x"):
        said = " ".join(re.findall(r">([^<]*)<", (await stage.visitor.get(path)).text))
        assert ("link" in said, re.search(r"\bids?\b", said)) == (True, None)


async def test_who_is_signed_out_and_only_pressed_something_is_not_told_of_what_they_typed(
    stage: Stage, alice: Browser
) -> None:
    event = await stage.event()
    await alice.form(f"/e/{event}/follow", {})
    number = fields(await alice.get(f"/e/{event}"))["subscription"]
    alice.jar.clear()
    held = await alice.form(f"/e/{event}/unfollow", {"subscription": number, "step": "pause"})
    assert (held.status, "typed" in held.text, "press it again" in held.text) == (401, False, True)
    assert f'href="/sign-in?next=/e/{event}/unfollow"' in held.text
    chose = await alice.form(f"/e/{event}/subscribers", {"chosen": "1", "q": "", "step": "remove"})
    assert ("what you chose is kept" in chose.text, "typed" in chose.text) == (True, False)


async def test_an_event_that_is_cancelled_or_over_offers_no_calendar_as_if_it_were_on(stage: Stage) -> None:
    event, cancelled = await stage.event(), await stage.event()
    await stage.alice.post(f"/api/events/{cancelled}/cancel")
    page = (await stage.visitor.get(f"/e/{event}")).text
    assert ("Add to calendar" in page, "Update my calendar" in page) == (True, False)
    page = (await stage.visitor.get(f"/e/{cancelled}")).text
    assert ("Add to calendar" in page, "Update my calendar" in page) == (False, True)
    stage.clock.pass_(days=400)
    page = (await stage.visitor.get(f"/e/{event}")).text
    assert ("o calendar" in page, "my calendar" in page, "as a calendar" in page) == (False, False, False)


async def test_reminders_are_said_to_move_only_where_some_are_left(stage: Stage, alice: Browser) -> None:
    event = await stage.event()
    await stage.bob.post(f"/api/events/{event}/subscribe", {})
    form = await opened(alice, event)
    for when, moves in (("in 59 minutes", False), ("in 61 minutes", True)):
        look = await alice.form(f"/e/{event}/edit", {**form, "when": when, "until": "", "step": "look"})
        assert ("1 person will be told" in look.text, "reminders move too" in look.text) == (True, moves)


async def test_names_and_places_keep_their_direction_to_themselves(stage: Stage, alice: Browser) -> None:
    event = await stage.event(name="ערב סרטים", location="רחוב שלום 5")
    assert "<bdi>רחוב שלום 5</bdi> · <bdi>0 subscribed</bdi>" in (await alice.get("/events")).text
    assert "· <bdi>רחוב שלום 5</bdi>" in (await alice.get(f"/e/{event}/manage")).text


async def test_the_log_says_why_each_was_sent_in_the_events_own_time_and_names_what_was_created(
    stage: Stage, alice: Browser
) -> None:
    event = await stage.event(timezone="Asia/Tokyo")
    await stage.alice.post(f"/api/events/{event}/subscribe", {})
    page = (await alice.get("/account/log")).read
    assert f'Your event was created: <a href="/e/{event}">Film night</a>' in page
    assert "Why: You created this event." in page
    assert "Why: You have followed this event since 20 Apr 2027." in page
    assert "Why: You, or somebody who typed your address, asked to sign in." in page
    assert "(Asia/Tokyo)" in page
    assert re.search(r"\d\d:\d\d:\d\d \(", page) is None
