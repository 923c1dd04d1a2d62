"""Changing an event in a browser."""

import datetime as dt
import html
from urllib.parse import urlencode

import pytest

from tests.web.client import Answer, Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import signed_in
from tests.web.test_creating import FULL, fields
from tests.web.test_creating import TYPED as NEW


@pytest.fixture
async def alice(stage: Stage) -> Browser:
    return await signed_in(stage, "alice@example.org")


@pytest.fixture
async def event(stage: Stage) -> str:
    made = await stage.event(timezone="Europe/Berlin", location="Kino", description="Two films.")
    await stage.bob.post(f"/api/events/{made}/subscribe", {})
    return made


async def opened(browser: Browser, event: str) -> dict[str, str]:
    """What a browser would send of the form as it stands."""
    page = await browser.get(f"/e/{event}/edit")
    assert page.status == 200, page.text
    hidden = {name: html.unescape(value) for name, value in fields(page).items()}
    return {
        "name": "Film night", "when": "Sat 1 May 2027, 19:30 · Europe/Berlin", "until": "", "where": "Kino",
        "description": "Two films.", "contact": "", "timezone": "Europe/Berlin", "visibility": "public", **hidden,
    }  # fmt: skip


async def press(browser: Browser, event: str, look: Answer, step: str) -> Answer:
    sent = {name: html.unescape(value) for name, value in fields(look).items()}
    return await browser.form(f"/e/{event}/edit", {**sent, "step": step})


async def revision(stage: Stage, event: str) -> int:
    return int((await stage.alice.get(f"/api/events/{event}")).json["revision"])


async def test_who_is_told_of_a_new_time_is_said_before_it_is_saved_once(
    stage: Stage, alice: Browser, event: str
) -> None:
    form = await opened(alice, event)
    look = await alice.form(f"/e/{event}/edit", {**form, "when": "1 May 2027 20:00", "step": "look"})
    moved = "Moved from Sat 1 May 2027, 19:30 (Europe/Berlin) to Sat 1 May 2027, 20:00 (Europe/Berlin)."
    for words in (moved, "1 person will be told, and reminders move too."):
        assert words in look.read
    assert await revision(stage, event) == 1
    for _ in range(2):
        saved = await press(alice, event, look, "loud")
        assert saved.status == 303
    assert await revision(stage, event) == 2


async def test_nobody_is_promised_a_message_where_nobody_follows(stage: Stage, alice: Browser) -> None:
    event = await stage.event(timezone="Europe/Berlin", location="Kino", description="Two films.")
    look = await alice.form(f"/e/{event}/edit", {**await opened(alice, event), "where": "Park", "step": "look"})
    assert "Nobody follows it yet, so there is nobody to tell." in look.text
    assert "tell them" not in look.text
    saved = await press(alice, event, look, "loud")
    assert "Saved. Nobody is told." in (await alice.get(saved.headers["location"])).text
    asks = await alice.get(f"/e/{event}/cancel")
    assert "Nobody follows it, so there is nobody to tell. Reminders stop." in asks.text


@pytest.fixture
async def evening(stage: Stage) -> str:
    return await stage.event(timezone="Europe/Berlin", end_date="2027-05-01T19:30:00Z")


MOVES = [
    ({"when": "3 May 2027 19:30"}, "Mon 3 May 2027, 19:30 · Europe/Berlin · in 13 days", "Mon 3 May 2027, 21:30"),
    ({"when": "29 Apr 2027 10:00"}, "Thu 29 Apr 2027, 10:00 · Europe/Berlin · in 9 days", "Thu 29 Apr 2027, 12:00"),
    ({"until": "3h"}, "Sat 1 May 2027, 19:30 · Europe/Berlin · in 11 days", "Sat 1 May 2027, 22:30"),
    ({"until": ""}, "Sat 1 May 2027, 19:30 · Europe/Berlin · in 11 days", None),
    ({"when": "3 May 2027 10:00", "until": "1h"}, "Mon 3 May 2027, 10:00 · Europe/Berlin", "Mon 3 May 2027, 11:00"),
]


@pytest.mark.parametrize(("typed", "starts", "ends"), MOVES)
async def test_a_move_is_read_along_looked_at_and_saved_as_the_same_times(
    stage: Stage, alice: Browser, evening: str, typed: dict[str, str], starts: str, ends: str | None
) -> None:
    form = {**await opened(alice, evening), "until": "Sat 1 May 2027, 21:30 · Europe/Berlin", "where": "", **typed}
    form["description"] = ""
    times = urlencode({name: form[name] for name in ("when", "until", "timezone")})
    said = await alice.get(f"/e/{evening}/edit/reading?{times}")
    assert starts in said.text
    assert said.text.endswith(f" · until {ends[-5:]}</span>") if ends else " until " not in said.text
    look = await alice.form(f"/e/{evening}/edit", {**form, "step": "look"})
    words = f"It ends {ends} (Europe/Berlin)." if ends else "It no longer has an end."
    assert words in look.read
    await press(alice, evening, look, "loud")
    end = (await stage.alice.get(f"/api/events/{evening}")).json["end_date"]
    at = ends and dt.datetime.strptime(f"{ends} +0200", "%a %d %b %Y, %H:%M %z")
    assert end == (at and at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z"))


async def test_the_form_of_an_edit_reads_along_by_its_own_event(alice: Browser, evening: str) -> None:
    assert f'hx-get="/e/{evening}/edit/reading"' in (await alice.get(f"/e/{evening}/edit")).text
    refused = await alice.get(f"/e/{evening}/edit/reading?when=soonish&timezone=Europe/Berlin")
    assert "error" in refused.text


async def test_a_new_text_is_saved_quietly_unless_the_organizer_wants_it_told(
    stage: Stage, alice: Browser, event: str
) -> None:
    form = await opened(alice, event)
    look = await alice.form(f"/e/{event}/edit", {**form, "description": "Three films.", "step": "look"})
    assert "We tell nobody about a new text unless you want us to." in look.text
    before = (await stage.rows())["notifications"]
    await press(alice, event, look, "quiet")
    assert (await stage.rows())["notifications"] == before
    form = {**await opened(alice, event), "description": "Three films."}
    look = await alice.form(f"/e/{event}/edit", {**form, "description": "Four films.", "step": "look"})
    await press(alice, event, look, "loud")
    assert (await stage.rows())["notifications"] == before + 1


async def test_who_typed_while_another_saved_keeps_their_words_and_sees_what_it_says_now(
    stage: Stage, alice: Browser, event: str
) -> None:
    form = await opened(alice, event)
    await stage.alice.patch(f"/api/events/{event}", {"location": "Park", "description": "One film."})
    typed = {**form, "description": "Five films.", "name": "Long night", "step": "look"}
    stale = await alice.form(f"/e/{event}/edit", typed)
    assert stale.status == 409
    for words in ("Somebody changed this event", "Five films.", "Long night", "One film.", 'value="Park"'):
        assert words in stale.text
    again = await alice.form(f"/e/{event}/edit", {**typed, **{n: html.unescape(v) for n, v in fields(stale).items()}})
    assert again.status == 200
    assert "New description." in again.text


async def test_a_form_with_every_field_full_is_looked_at_and_saved_in_any_script(
    stage: Stage, alice: Browser, event: str
) -> None:
    form = await opened(alice, event)
    look = await alice.form(f"/e/{event}/edit", {**form, **FULL, "step": "look"})
    assert look.status == 200
    back = await press(alice, event, look, "edit")
    assert FULL["description"] in back.text
    assert (await press(alice, event, look, "quiet")).status == 303
    kept = (await stage.alice.get(f"/api/events/{event}")).json
    assert [kept[n] for n in ("name", "location", "description", "contact")] == list(FULL.values())

    form = {**await opened(alice, event), **FULL}
    look = await alice.form(f"/e/{event}/edit", {**form, "where": "Park", "step": "look"})
    assert (look.status, "Where: Park." in look.text, "New description." in look.text) == (200, True, False)


async def test_nothing_is_saved_of_what_cannot_be_and_nothing_of_nothing(alice: Browser, event: str) -> None:
    form = await opened(alice, event)
    wrong = await alice.form(f"/e/{event}/edit", {**form, "when": "once upon a time", "step": "look"})
    assert (wrong.status, 'id="when-error"' in wrong.text) == (422, True)
    assert 'value="once upon a time"' in wrong.text
    assert "Nothing changed." in (await alice.form(f"/e/{event}/edit", {**form, "step": "look"})).text


async def test_an_event_that_is_cancelled_offers_no_form_but_keeps_what_was_typed_meanwhile(
    stage: Stage, alice: Browser, event: str
) -> None:
    form = await opened(alice, event)
    await stage.alice.post(f"/api/events/{event}/cancel", {})
    late = await alice.form(f"/e/{event}/edit", {**form, "description": "Five films.", "step": "look"})
    assert late.status == 409
    assert "Five films." in late.text
    page = await alice.get(f"/e/{event}/edit")
    assert "It is cancelled: it can no longer be changed." in page.text
    assert "See what changes" not in page.text
    assert 'name="description"' not in page.text


async def test_the_event_page_leads_its_organizer_on_and_nobody_else(stage: Stage, alice: Browser, event: str) -> None:
    assert "You organize this" in (await alice.get(f"/e/{event}")).text
    bob = await signed_in(stage, "bob@example.org")
    assert "You organize this" not in (await bob.get(f"/e/{event}")).text
    assert (await bob.get(f"/e/{event}/edit")).status == 403
    health = (await alice.get(f"/e/{event}/health", hx_request="true")).text
    assert "The scheduler does not answer right now." in health
    assert "<html" not in health


async def test_only_the_zone_corrected_keeps_the_clock_and_says_the_move_or_the_moment_where_that_is_wanted(
    stage: Stage, alice: Browser
) -> None:
    event = await stage.event(timezone="UTC", start_date="2027-05-01T19:00:00Z")
    await stage.bob.post(f"/api/events/{event}/subscribe", {})
    form = await opened(alice, event)
    typed = {**form, "when": "Sat 1 May 2027, 19:00 · UTC", "where": "", "description": "", "timezone": "kathmandu"}
    look = await alice.form(f"/e/{event}/edit", {**typed, "step": "look"})
    for words in (
        "Moved from Sat 1 May 2027, 19:00 (UTC) to Sat 1 May 2027, 19:00 (Asia/Kathmandu).",
        "Its clock time stays, the moment does not: until now it started Sun 2 May 2027, 00:45 (Asia/Kathmandu).",
        "1 person will be told, and reminders move too.",
        "Keep the moment instead",
    ):
        assert words in look.text
    moment = await press(alice, event, look, "moment")
    said = "Its moment stays, the clock time does not: it starts Sun 2 May 2027, 00:45 (Asia/Kathmandu)."
    assert said in moment.text
    assert "We tell nobody about a new text" in moment.text
    clock = await press(alice, event, moment, "clock")
    assert "to Sat 1 May 2027, 19:00 (Asia/Kathmandu)." in clock.text
    assert (await press(alice, event, clock, "loud")).status == 303
    saved = (await stage.alice.get(f"/api/events/{event}")).json
    assert (saved["start_date"], saved["timezone"]) == ("2027-05-01T13:15:00Z", "Asia/Kathmandu")
    page = (await stage.visitor.get(f"/e/{event}")).text
    assert "Moved from Sat 1 May 2027, 19:00 (UTC) to Sat 1 May 2027, 19:00 (Asia/Kathmandu)." in page


async def test_the_moment_that_was_kept_is_saved_and_nobody_is_told(stage: Stage, alice: Browser) -> None:
    event = await stage.event(timezone="UTC", start_date="2027-05-01T19:00:00Z")
    typed = {**await opened(alice, event), "when": "Sat 1 May 2027, 19:00 · UTC", "where": "", "description": ""}
    look = await alice.form(f"/e/{event}/edit", {**typed, "timezone": "Asia/Kathmandu", "step": "look"})
    moment = await press(alice, event, look, "moment")
    assert (await press(alice, event, moment, "quiet")).status == 303
    saved = (await stage.alice.get(f"/api/events/{event}")).json
    assert (saved["start_date"], saved["timezone"]) == ("2027-05-01T19:00:00Z", "Asia/Kathmandu")


async def test_a_new_time_in_a_new_zone_is_shown_in_it_beside_the_old_one_in_the_old(
    alice: Browser, event: str
) -> None:
    typed = {**await opened(alice, event), "when": "2 May 2027 20:00", "timezone": "new york", "step": "look"}
    look = await alice.form(f"/e/{event}/edit", typed)
    moved = "Moved from Sat 1 May 2027, 19:30 (Europe/Berlin) to Sun 2 May 2027, 20:00 (America/New_York)."
    assert moved in look.text
    assert "instead" not in look.text


async def test_a_zone_corrected_after_a_preview_keeps_the_clock_too(stage: Stage, alice: Browser, event: str) -> None:
    typed = {**await opened(alice, event), "when": "1 May 2027 20:00", "step": "look"}
    again = await press(alice, event, await alice.form(f"/e/{event}/edit", typed), "edit")
    assert 'value="Sat 1 May 2027, 20:00 · Europe/Berlin"' in again.text
    shown = {**await opened(alice, event), "when": "Sat 1 May 2027, 20:00 · Europe/Berlin", "timezone": "Asia/Tokyo"}
    hidden = {name: html.unescape(value) for name, value in fields(again).items()}
    look = await alice.form(f"/e/{event}/edit", {**shown, **hidden, "step": "look"})
    assert "to Sat 1 May 2027, 20:00 (Asia/Tokyo)." in look.text
    new = await alice.form("/new", {**NEW, "timezone": "UTC", "step": "look"})
    kept = {name: html.unescape(value) for name, value in fields(new).items()}
    corrected = await alice.form("/new", {**kept, "timezone": "Kathmandu", "step": "look"})
    assert "Sat 1 May 2027, 19:30 · Asia/Kathmandu" in corrected.text


async def test_the_lists_of_events_name_the_zone_of_each_time(stage: Stage, alice: Browser) -> None:
    await stage.event(timezone="Asia/Kathmandu", start_date="2027-05-01T13:15:00Z")
    await stage.event(timezone="America/New_York", start_date="2027-05-01T23:00:00Z")
    page = (await alice.get("/events")).text
    for zone in ("Asia/Kathmandu", "America/New_York"):
        assert f"Sat 1 May 2027, 19:00 ({zone})" in page
