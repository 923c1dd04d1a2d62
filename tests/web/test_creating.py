"""Making an event in a browser: its form, its preview, and one press that creates it once."""

import re

import pytest

from tests.web.client import Answer, Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import signed_in

TYPED = {
    "name": "Rooftop Film Night", "when": "1 May 2027 19:30", "duration": "3h", "where": "Kino Dach",
    "description": "Two films.\r\nA blanket.", "contact": "", "timezone": "Europe/Berlin", "visibility": "public",
}  # fmt: skip

FULL = {
    "name": "\U0001f39e" * 200,
    "where": "\U0001f39e" * 300,
    "description": "\U0001f39e" * 10_000,
    "contact": "\U0001f39e" * 300,
}


def fields(answer: Answer) -> dict[str, str]:
    """What stands hidden in a page's form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))


@pytest.fixture
async def alice(stage: Stage) -> Browser:
    return await signed_in(stage, "alice@example.org")


async def test_a_browser_may_bring_back_what_was_typed_and_nothing_between_keeps_it(
    stage: Stage, alice: Browser
) -> None:
    event = await stage.event()
    shown = [await alice.get(path) for path in ("/new", *(f"/e/{event}/{p}" for p in ("edit", "manage", "cancel")))]
    shown.append(await alice.form("/new", {**TYPED, "step": "look"}))
    assert [(each.status, each.headers["cache-control"]) for each in shown] == [(200, "private, no-cache")] * 5
    assert {each.headers["vary"] for each in shown} == {"Cookie"}


async def test_an_empty_form_is_told_all_that_is_missing_at_once(alice: Browser) -> None:
    answer = await alice.form("/new", {"timezone": "Europe/Berlin", "step": "look"})
    assert answer.status == 422
    assert 'id="name-error" role="alert">This cannot be empty.' in answer.text
    assert 'id="when-error" role="alert">When does it start?' in answer.text


async def test_a_form_with_every_field_full_becomes_an_event_in_any_script(stage: Stage, alice: Browser) -> None:
    look = await alice.form("/new", {**TYPED, **FULL, "step": "look"})
    assert look.status == 200
    made = await alice.form("/new", {**fields(look), "step": "create"})
    assert made.status == 303, made.text
    event = (await stage.alice.get(f"/api{made.headers['location'].replace('/e/', '/events/')}")).json
    assert [event[n] for n in ("name", "location", "description", "contact")] == list(FULL.values())


async def test_nothing_is_created_before_the_last_press_and_two_presses_create_one(
    stage: Stage, alice: Browser
) -> None:
    before = await stage.rows()
    look = await alice.form("/new", {**TYPED, "step": "look"})
    for words in ("Rooftop Film Night", "Sat 1 May 2027, 19:30 · Europe/Berlin", "until", "22:30", "1 day before"):
        assert words in look.text
    assert await stage.rows() == before
    press = {**fields(look), "step": "create"}
    first, second = await alice.form("/new", press), await alice.form("/new", press)
    assert first.status == second.status == 303
    assert first.headers["location"] == second.headers["location"]
    assert (await stage.rows())["events"] == before["events"] + 1
    event = (await stage.alice.get(f"/api{first.headers['location'].replace('/e/', '/events/')}")).json
    assert (event["start_date"], event["end_date"]) == ("2027-05-01T17:30:00Z", "2027-05-01T20:30:00Z")
    assert event["description"] == "Two films.\nA blanket."


async def test_another_event_from_the_same_preview_is_made_only_after_a_question(stage: Stage, alice: Browser) -> None:
    press = {**fields(await alice.form("/new", {**TYPED, "step": "look"})), "step": "create"}
    await alice.form("/new", press)
    again = await alice.form("/new", {**press, "name": "Another night"})
    assert (again.status, "was sent before" in again.text) == (409, True)
    assert 'value="Another night"' in again.text


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("name", "", "This cannot be empty."),
        ("when", "", "When does it start?"),
        ("when", "yesterday", "past"),
        ("duration", "a while", "I don&#39;t understand “while”."),
        ("duration", "3", "3 what?"),
        ("duration", "400 days", "An event lasts a year at most."),
        ("timezone", "Mars/Base", "That time zone is not known."),
        ("where", "x" * 301, "At most 300 characters."),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field_and_the_rest_is_kept(
    alice: Browser, field: str, typed: str, words: str
) -> None:
    answer = await alice.form("/new", {**TYPED, field: typed, "step": "look"})
    assert answer.status == 422
    beside = re.search(rf'id="{field}-error" role="alert">([^<]*)<', answer.text)
    assert beside is not None
    assert words in beside[1]
    assert "A blanket." in answer.text


async def test_a_preview_means_the_same_instant_however_long_it_is_looked_at(stage: Stage, alice: Browser) -> None:
    look = await alice.form("/new", {**TYPED, "when": "in 5 hours", "step": "look"})
    stage.clock.pass_(hours=1)
    made = await alice.form("/new", {**fields(look), "step": "create"})
    event = (await stage.alice.get(f"/api{made.headers['location'].replace('/e/', '/events/')}")).json
    assert event["start_date"] == "2027-04-20T17:00:00Z"


async def test_who_was_signed_out_meanwhile_signs_in_beside_the_form_and_goes_on(stage: Stage, alice: Browser) -> None:
    jar = dict(alice.jar)
    alice.jar.clear()
    held = await alice.form("/new", {**TYPED, "step": "look"})
    assert (held.status, "You are signed out" in held.text) == (401, True)
    alice.jar.update(jar)
    back = await alice.form("/new", {**fields(held), "description": TYPED["description"], "step": "edit"})
    assert back.status == 200
    assert 'value="1 May 2027 19:30"' in back.text


async def test_a_time_is_read_along_while_it_is_typed(alice: Browser) -> None:
    said = await alice.get("/new/reading?when=1+May+2027+19:30&duration=2h&timezone=Europe/Berlin")
    assert "Sat 1 May 2027, 19:30 · Europe/Berlin · in 11 days · until 21:30" in said.text
    assert "error" in (await alice.get("/new/reading?when=soonish&timezone=Europe/Berlin")).text


async def test_what_a_page_asks_by_itself_is_never_where_somebody_comes_back_to(stage: Stage, alice: Browser) -> None:
    event = await stage.event()
    alice.jar.clear()
    for path in ("/new/reading?when=fri", f"/e/{event}/edit/reading?when=fri", f"/e/{event}/health"):
        answer = await alice.get(path, hx_request="true", hx_current_url=f"https://soonish.test/e/{event}/manage")
        assert (answer.status, answer.cookies, "<html" in answer.text) == (401, (), False), path
        assert "You are signed out" in answer.text
    assert f'href="/sign-in?next=/e/{event}/manage"' in answer.text


async def test_ones_events_are_listed_the_next_one_first(stage: Stage, alice: Browser) -> None:
    assert "Nothing coming up" in (await alice.get("/events")).text
    later = await stage.event(name="Later", start_date="2027-06-01T19:00:00Z")
    await stage.event(name="Sooner", start_date="2027-05-01T19:00:00Z")
    over = await stage.event(name="Called off")
    await stage.alice.post(f"/api/events/{over}/cancel", {})
    page = (await alice.get("/events")).text
    assert page.index("Sooner") < page.index("Later") < page.index("Over or cancelled") < page.index("Called off")
    assert f'href="/e/{later}/manage"' in page
    assert "Later" not in (await (await signed_in(stage, "carol@example.org")).get("/events")).text


async def test_who_was_never_asked_for_a_name_is_asked_before_guests_see_a_part_of_their_address(stage: Stage) -> None:
    nora = await signed_in(stage, "nora@example.org")
    assert "Left empty, you are nora." in (await nora.get("/new")).text
    refused = await nora.form("/new", {**TYPED, "host": "N" * 201, "step": "look"})
    assert (refused.status, 'id="host-error"' in refused.text) == (422, True)
    look = await nora.form("/new", {**TYPED, "host": "Nora Weiss", "step": "look"})
    assert "Hosted by Nora Weiss." in look.read
    made = await nora.form("/new", {**fields(look), "step": "create"})
    assert "Nora Weiss" in (await stage.visitor.get(made.headers["location"])).text
    assert 'name="host"' not in (await nora.get("/new")).text
    await nora.form("/new", {**fields(look), "host": "Somebody else", "step": "create"})
    assert 'value="Nora Weiss"' in (await nora.get("/account")).text


async def test_an_event_that_is_refused_renames_nobody(stage: Stage) -> None:
    nora = await signed_in(stage, "nora@example.org")
    look = await nora.form("/new", {**TYPED, "host": "Nora Weiss", "step": "look"})
    stage.core.settings = stage.core.settings.model_copy(update={"events_per_organizer_day": 0})
    assert (await nora.form("/new", {**fields(look), "step": "create"})).status == 429
    assert 'value="nora"' in (await nora.get("/account")).text
