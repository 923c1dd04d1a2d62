"""An organizer with more people than a page shows, or a form can name: they are written to, removed and let back by
the word that finds them."""

import html
import re

import pytest

from core.operations.seed import seed
from tests.people import OPERATOR
from tests.web.client import Answer, Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import signed_in
from tests.web.test_creating import fields
from tests.web.test_managing import WORDS, boxes, messages, sent, settle

MANY = 60


@pytest.fixture
async def alice(stage: Stage) -> Browser:
    return await signed_in(stage, "alice@example.org")


@pytest.fixture
async def event(stage: Stage) -> str:
    """Followed by more addresses than a page shows, and by bob."""
    made = await stage.event()
    await seed(stage.core, OPERATOR, made, MANY, "mailto://n{n}@example.org", lambda *_: None)
    await stage.bob.post(f"/api/events/{made}/subscribe", {})
    return made


async def press(browser: Browser, page: Answer, path: str, step: str) -> Answer:
    """A button of a page's form, with all that is hidden in it."""
    sent = {name: html.unescape(text) for name, text in fields(page).items()}
    return await browser.form(path, {**sent, "step": step})


async def test_all_whom_a_word_finds_are_removed_from_every_page_and_let_back(
    stage: Stage, alice: Browser, event: str
) -> None:
    at = f"/e/{event}/subscribers"
    page = await alice.get(f"{at}?q=example.org")
    assert f"Remove all {MANY}" in page.text
    asked = await press(alice, page, at, "all_remove")
    assert f"Remove {MANY} people from Film night?" in asked.read
    assert f"and {MANY - 20} more" in asked.text
    await stage.carol.post(f"/api/events/{event}/subscribe", {})
    assert len(await boxes(alice, event, "?q=example.org")) == 50
    done = await press(alice, asked, at, "all_remove_yes")
    assert done.headers["location"] == f"{at}?said=removed"
    assert re.findall(r"<span>(\w+)<span", (await alice.get(at)).read) == ["Carol", "Bob"]
    removed = await alice.get(f"{at}?which=removed")
    assert f"Let all {MANY} back" in removed.text
    back = await press(alice, removed, at, "all_let_back")
    assert f"{MANY} may subscribe again." in (await alice.get(back.headers["location"])).text
    assert await boxes(alice, event, "?which=removed") == []


async def test_all_whom_a_word_finds_are_written_to(stage: Stage, alice: Browser, event: str) -> None:
    page = await alice.get(f"/e/{event}/subscribers?q=example.org")
    composer = await press(alice, page, f"/e/{event}/subscribers", "all_write")
    assert f"The {MANY} found by “example.org”" in composer.read
    look = await alice.form(f"/e/{event}/message", {**WORDS, "to": "found", "q": "example.org", "step": "look"})
    assert f"Send to {MANY}<" in look.text
    answer = await press(alice, look, f"/e/{event}/message", "send")
    assert f"Sending… 0 of {MANY}" in (await alice.get(answer.headers["location"])).text
    again = await press(alice, look, f"/e/{event}/message", "edit")
    assert 'value="found" checked' in again.text


async def test_who_missed_the_last_one_is_written_to_however_many_they_are_and_then_has_not_missed_it(
    stage: Stage, alice: Browser, event: str
) -> None:
    await sent(alice, event)
    [first] = await messages(stage)
    await settle(stage, first, "dead")
    managed = await alice.get(f"/e/{event}/manage")
    assert f"Only the {MANY + 1} who didn't get the last one" in managed.text
    answer = await sent(alice, event, to="missed", missed=str(first))
    assert f"Sending… 0 of {MANY + 1}" in (await alice.get(answer.headers["location"])).text
    assert "who missed the last one" not in (await alice.get(f"/e/{event}/manage")).text
    late = await alice.form(f"/e/{event}/message", {**WORDS, "to": "missed", "missed": str(first), "step": "look"})
    assert (late.status, "None of them gets messages now." in late.text) == (422, True)


@pytest.mark.parametrize("to", [{"to": "missed"}, {"to": "chosen"}, {"to": "found", "q": ""}])
async def test_a_choice_that_names_nobody_never_means_everybody(
    stage: Stage, alice: Browser, event: str, to: dict[str, str]
) -> None:
    for step in ("look", "send", "me"):
        answer = await alice.form(f"/e/{event}/message", {**WORDS, **to, "step": step})
        assert (answer.status, 'id="to-error"' in answer.text) == (422, True), step
    assert await messages(stage) == []


async def test_the_table_has_those_whom_the_word_finds(alice: Browser, event: str) -> None:
    page = await alice.get(f"/e/{event}/subscribers?q=bob")
    assert f'href="/e/{event}/subscribers.csv?q=bob"' in page.text
    table = await alice.get(f"/e/{event}/subscribers.csv?q=bob")
    assert table.text.count("\r\n") == 2


async def test_over_http_too_a_message_is_for_those_whom_a_word_finds_or_who_missed_one(
    stage: Stage, event: str
) -> None:
    path, words = f"/api/events/{event}/notify", {"title": "Rain", "body": "Inside."}
    first = await stage.alice.post(path, {**words, "matching": "example.org"})
    assert first.json["recipients"] == MANY
    await settle(stage, first.json["id"], "delivered", but=2)
    assert (await stage.alice.post(path, {**words, "missed": first.json["id"]})).json["recipients"] == 2
    both = await stage.alice.post(path, {**words, "matching": "x", "missed": first.json["id"]})
    assert (both.status, "in one way" in both.text) == (422, True)
    assert (await stage.alice.post(path, {**words, "missed": 999_999})).status == 404
    other = await stage.event(name="Other")
    foreign = await stage.alice.post(f"/api/events/{other}/notify", {**words, "missed": first.json["id"]})
    assert foreign.status == 404


@pytest.mark.parametrize("step", ["all_write", "all_remove", "all_remove_yes", "all_let_back"])
async def test_what_is_searched_for_is_never_cut_to_find_others(
    stage: Stage, alice: Browser, event: str, step: str
) -> None:
    before = await stage.rows()
    long = {"q": "o" * 60_000, "newest": "999999"}
    refused = await alice.form(f"/e/{event}/subscribers", {**long, "step": step})
    assert (refused.status, "Search for 100 letters at most." in refused.text) == (422, True)
    unticked = await alice.form(f"/e/{event}/subscribers", {**long, "step": "write"})
    assert (unticked.status, len(unticked.text) < 20_000) == (422, True)
    for press in ("look", "send", "me", "edit"):
        answer = await alice.form(f"/e/{event}/message", {**WORDS, **long, "to": "found", "step": press})
        assert (answer.status, len(answer.text) < 20_000) == (200 if press == "edit" else 422, True)
    assert await stage.rows() == before
