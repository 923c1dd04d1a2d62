"""What takes an event elsewhere: QR code, card, feed; and what says that something is wrong with it."""

import html
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import segno
from PIL import Image

from core.events.model import EventView
from core.events.typed import as_typed
from core.settings import Settings
from tests.conftest import Inhabited
from tests.web.client import Answer
from tests.web.conftest import Stage, playing
from tests.web.test_accounts import signed_in
from tests.web.test_creating import fields
from web.pages.card import Card, draw_card, readable

ATOM = "{http://www.w3.org/2005/Atom}"
NASTY = "</title>&<b>\"'"


async def feed(stage: Stage, event: str, **headers: str) -> Answer:
    return await stage.visitor.get(f"/e/{event}.atom", **headers)


def opened(answer: Answer) -> Image.Image:
    return Image.open(io.BytesIO(answer.body))


async def test_the_feed_holds_what_everybody_was_told_newest_first(stage: Stage) -> None:
    event = await stage.event(name=f"Films {NASTY}")
    for title in ("Doors at six", f"Soup {NASTY}"):
        stage.clock.pass_(minutes=5)
        await stage.alice.post(f"/api/events/{event}/notify", {"title": title, "body": "All of you"})
    answer = await feed(stage, event)
    assert answer.headers["content-type"].startswith("application/atom+xml")
    root = ET.fromstring(answer.body)  # noqa: S314 - our own
    assert root.findtext(f"{ATOM}title") == f"Films {NASTY}"
    entries = root.findall(f"{ATOM}entry")
    assert [each.findtext(f"{ATOM}title") for each in entries] == [f"Soup {NASTY}", "Doors at six"]
    assert root.findtext(f"{ATOM}updated") == entries[0].findtext(f"{ATOM}updated") == "2027-04-20T12:10:00Z"
    identities = [each.text for each in root.iter(f"{ATOM}id")]
    assert len(set(identities)) == len(identities) == 3


async def test_an_unchanged_feed_is_not_sent_again(stage: Stage) -> None:
    event = await stage.event()
    tag = (await feed(stage, event)).headers["etag"]
    stage.clock.pass_(days=1)
    assert (await feed(stage, event, if_none_match=tag)).status == 304
    await stage.alice.post(f"/api/events/{event}/notify", {"title": "News", "body": "Here"})
    assert (await feed(stage, event, if_none_match=tag)).status == 200


async def test_the_feed_keeps_to_itself_what_chosen_people_were_told(stage: Stage) -> None:
    event = await stage.event()
    row = (await stage.bob.post(f"/api/events/{event}/subscribe")).json["subscriptions"][0]["id"]
    await stage.alice.post(
        f"/api/events/{event}/notify", {"title": "For bob", "body": "psst", "subscription_ids": [row]}
    )
    assert "For bob" not in (await feed(stage, event)).text


async def test_the_code_leads_to_the_page(stage: Stage) -> None:
    event = await stage.event()
    answer = await stage.visitor.get(f"/e/{event}/qr.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    drawn = io.BytesIO()
    segno.make(f"https://soonish.test/e/{event}", error="m", micro=False).save(drawn, kind="svg", border=0)
    [path] = re.findall(r' d="([^"]+)"', drawn.getvalue().decode())
    assert path in answer.text


async def test_the_card_is_a_picture_of_the_size_that_the_page_promises(stage: Stage) -> None:
    event = await stage.event(location="Kino")
    text = (await stage.visitor.get(f"/e/{event}")).text
    [address] = re.findall(r'property="og:image" content="([^"]+)"', text)
    where = urlsplit(address)
    answer = await stage.visitor.get(f"{where.path}?{where.query}")
    assert (answer.headers["content-type"], opened(answer).size) == ("image/png", (1200, 630))
    assert 'og:image:width" content="1200"' in text
    assert len(answer.body) < 60_000
    again = await stage.visitor.get(where.path, if_none_match=answer.headers["etag"])
    assert again.status == 304
    await stage.alice.post(f"/api/events/{event}/cancel")
    changed = await stage.visitor.get(where.path, if_none_match=answer.headers["etag"])
    assert (changed.status, changed.body != answer.body) == (200, True)


@pytest.mark.parametrize("name", ["日本語のイベント", "W" * 200, "a " * 100, "🎬", " ".join(["Überlänge"] * 20), "x"])
def test_whatever_an_event_is_called_it_has_a_card(name: str) -> None:
    picture = Image.open(io.BytesIO(draw_card(Card("Ab3dEf6hJk", name, "Saturday 1 May 2027", name))))
    assert picture.size == (1200, 630)


def test_a_card_shows_what_its_typeface_can_write_and_no_empty_boxes() -> None:
    assert readable("Kiez-Kino für Žižek – Καλημέρα, Киев") == "Kiez-Kino für Žižek – Καλημέρα, Киев"
    assert readable("Film night 🎬 tonight") == "Film night tonight"
    assert readable("日本語のイベント x") == ""


async def test_search_engines_read_what_people_read(stage: Stage) -> None:
    event = await stage.event(location="Kino", description="Two films.", end_date="2027-05-01T22:30:00+02:00")
    text = (await stage.visitor.get(f"/e/{event}")).text
    [found] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text)
    about = json.loads(found)
    assert (about["name"], about["startDate"]) == ("Film night", "2027-05-01T19:30:00+02:00")
    assert (about["endDate"], about["description"]) == ("2027-05-01T22:30:00+02:00", "Two films.")
    assert (await stage.visitor.get(urlsplit(about["image"]).path)).status == 200
    await stage.alice.post(f"/api/events/{event}/cancel")
    assert "EventCancelled" in (await stage.visitor.get(f"/e/{event}")).text


@pytest.mark.parametrize("what", [".atom", "/qr.svg", "/card.png", "/report"])
async def test_a_private_event_takes_nobody_elsewhere_but_its_own(stage: Stage, what: str) -> None:
    event = await stage.event(is_public=False)
    for stranger in (stage.visitor, await signed_in(stage, "carol@example.org", "203.0.113.8")):
        assert (await stranger.get(f"/e/{event}{what}")).status == 404
    mine = await (await signed_in(stage)).get(f"/e/{event}{what}")
    kept = "no-cache" if what == "/report" else "no-store"  # a page that people write in is come back to
    assert (mine.status, mine.headers["cache-control"]) == (200, f"private, {kept}")


# Reporting


async def test_a_report_reaches_the_operators_and_a_slip_keeps_what_was_typed(stage: Stage) -> None:
    path = f"/e/{await stage.event()}/report"
    assert "What is wrong with it?" in (await stage.visitor.get(path)).text
    empty = await stage.visitor.form(path, {"body": "  "})
    assert (empty.status, "Say what is wrong first." in empty.text) == (422, True)
    long = await stage.visitor.form(path, {"body": "spam " * 250})
    assert (long.status, "spam spam" in long.text) == (422, True)
    assert (await stage.rows())["reports"] == 0
    done = await stage.visitor.form(path, {"body": "It is spam."})
    assert (done.status, "Thank you." in done.text) == (200, True)
    assert (await stage.rows())["reports"] == 1


async def test_a_report_that_is_sent_twice_is_one_report_and_other_words_are_another(stage: Stage) -> None:
    path = f"/e/{await stage.event()}/report"
    form = fields(await stage.visitor.get(path))
    for _ in range(2):
        assert "Thank you." in (await stage.visitor.form(path, {**form, "body": "Spam"})).text
    assert (await stage.rows())["reports"] == 1
    again = await stage.visitor.form(path, {**form, "body": "And a lie"})
    assert (again.status, "This form was sent before" in again.text, "And a lie" in again.text) == (409, True, True)
    assert "Thank you." in (await stage.visitor.form(path, {**fields(again), "body": "And a lie"})).text
    assert (await stage.rows())["reports"] == 2


async def test_who_reports_again_and_again_is_asked_to_wait(stage: Stage) -> None:
    path = f"/e/{await stage.event()}/report"
    for _ in range(5):
        assert (await stage.visitor.form(path, {"body": "It is spam."})).status == 200
    late = await stage.visitor.form(path, {"body": "It is still spam."})
    assert (late.status, "It is still spam." in late.text) == (429, True)
    assert int(late.headers["retry-after"]) > 0


# The landing page


async def test_the_landing_page_lists_events_only_where_that_is_wanted(stage: Stage) -> None:
    await stage.event(is_listed=True)
    assert "Film night" not in (await stage.visitor.get("/")).text


@pytest.fixture
async def listing(settings: Settings, inhabited: Inhabited) -> AsyncIterator[Stage]:
    """Where what is coming is listed."""
    async with playing(settings.model_copy(update={"list_public_events": True}), inhabited) as made:
        yield made


async def test_where_it_is_wanted_what_is_coming_is_listed_and_nothing_else(listing: Stage) -> None:
    later = await listing.event(name="Later", start_date="2027-05-02T19:30:00Z", is_listed=True)
    sooner = await listing.event(name="Sooner", is_listed=True)
    await listing.event(name="Secret", is_public=False, is_listed=True)
    await listing.event(name="By its link alone")
    gone = await listing.event(name="Gone", is_listed=True)
    await listing.alice.post(f"/api/events/{gone}/cancel")
    text = (await listing.visitor.get("/")).text
    assert re.findall(r'href="/e/(\w+)"', text) == [sooner, later]
    assert re.findall(r"<strong><bdi>(\w+)", text) == ["Sooner", "Later"]


async def test_an_organizer_has_an_event_listed_and_taken_off_again(stage: Stage, listing: Stage) -> None:
    alice = await signed_in(listing)
    assert 'value="listed"' in (await alice.get("/new")).text
    assert 'value="listed"' not in (await (await signed_in(stage)).get("/new")).text
    typed = {"name": "Open air", "when": "tomorrow 19:30", "timezone": "Europe/Berlin", "visibility": "listed"}
    look = await alice.form("/new", {**typed, "step": "look"})
    assert "Listed on the front page" in look.text
    made = await alice.form("/new", {**typed, **fields(look), "step": "create"})
    at = made.headers["location"].partition("?")[0]
    assert "Open air" in (await listing.visitor.get("/")).text
    form = await alice.get(f"{at}/edit")
    assert 'value="listed" checked' in form.text
    change = {**as_typed(EventView.model_validate((await alice.get(f"/api/events/{at[3:]}")).json)), **fields(form)}
    change = {name: html.unescape(text) for name, text in change.items()} | {"visibility": "public"}
    asked = await alice.form(f"{at}/edit", {**change, "step": "look"})
    assert "The front page no longer lists it." in asked.text
    await alice.form(f"{at}/edit", {**change, "step": "quiet"})
    assert "Open air" not in (await listing.visitor.get("/")).text
    assert (await listing.visitor.get(at)).status == 200
