"""An organizer's whole story in a browser, with scripts and without."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from core.accounts.users import vouch
from core.events.usecases import get_event
from core.operations.seed import seed
from core.operators.access import add_operator
from core.work import Actor
from tests.browser.conftest import Visit
from tests.browser.visitor import fits, tab_to
from tests.people import OPERATOR, Person, Town

SCRIPTS = pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "plain"])


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def create(page: Page, name: str = "Rooftop Film Night") -> str:
    """The public id."""
    await page.goto("/new")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("When").fill("tomorrow 19:30")
    await page.get_by_label("How long").fill("3h")
    await page.get_by_label("Time zone").fill("Europe/Berlin")
    await page.get_by_label("Where").fill("Kino Dach")
    await press(page, "Preview")
    await press(page, "Create it")
    await page.wait_for_url("**/e/*")
    return urlsplit(page.url).path.rsplit("/", 1)[1]


@SCRIPTS
async def test_an_event_is_made_changed_written_about_and_called_off(
    living: Town, visit: Visit, *, javascript: bool
) -> None:
    visitor = await visit.as_(living, living.alice, javascript=javascript, width=390)
    page = await visitor.open("/events")
    await page.get_by_role("link", name="New event").click()
    event = await create(page)
    await expect(page.get_by_role("heading", name="It's live")).to_be_visible()
    await living.follow(living.bob, await living.core.ask(living.alice.actor, get_event, event))

    await page.get_by_role("link", name="Edit", exact=True).click()
    await page.get_by_label("When").fill("tomorrow 20:00")
    await press(page, "See what changes")
    await expect(page.get_by_text("1 person will be told, and reminders move too.")).to_be_visible()
    await press(page, "Save and tell them")
    await expect(page.get_by_text("Saved. Followers are being told.")).to_be_visible()

    await page.get_by_label("Title").fill("Bring a blanket")
    await page.get_by_label("Message").fill("It gets cold up there.")
    await press(page, "Preview")
    await expect(page.get_by_text("It gets cold up there.")).to_be_visible()
    await press(page, "Send to 1")
    done = page.get_by_text("Everyone got it.")
    if javascript:
        await expect(done).to_be_visible()
    for _ in range(50):
        if await done.is_visible():
            break
        await page.get_by_role("link", name="Look again").click()
    await expect(done).to_be_visible()

    await page.goto(f"/e/{event}/cancel")
    await page.get_by_label("Why").fill("Storm")
    await press(page, "Cancel the event")
    await expect(page.get_by_text("The event is cancelled.")).to_be_visible()
    await page.goto(f"/e/{event}/health")
    await expect(page.get_by_text("Its reminders are stopped.")).to_be_visible()
    await expect(page.get_by_text("On schedule")).to_have_count(0)


async def test_a_member_chooses_a_channel_and_stops_it_again(site: Town, visit: Visit) -> None:
    await site.channel(site.bob, "jsons://192.0.43.8/x", "Bell")
    event = (await site.event()).id
    page = await (await visit.as_(site, site.bob, width=320)).open(f"/e/{event}")
    await tab_to(page, "Choose where")
    await page.keyboard.press("Enter")
    await fits(page)
    await page.get_by_label("Bell").check()
    await press(page, "Nudge me there")
    await page.get_by_role("link", name="Change where it goes, or stop it").click()
    await press(page, "Stop Bell")
    await expect(page.get_by_text("Stopped. You won't hear about this by Bell any more.")).to_be_visible()


async def test_a_time_is_read_along_and_a_guess_at_the_zone_can_be_corrected(site: Town, visit: Visit) -> None:
    issued = await site.core.act(OPERATOR, vouch, "nora@example.org")
    nora = Person("nora", "nora@example.org", Actor(issued.user_id, "web"), issued.token)
    page = await (await visit.as_(site, nora, zone="Asia/Tokyo")).open("/new")
    await expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    await page.get_by_label("When").press_sequentially("tomorrow 19:30")
    await expect(page.locator("#reading")).to_contain_text(re.compile(r"19:30 · Asia/Tokyo"))
    await page.get_by_label("Time zone").fill("Europe/Berlin")
    await expect(page.locator("#reading")).to_contain_text(re.compile(r"19:30 · Europe/Berlin"))


async def test_who_goes_back_from_a_preview_finds_what_they_typed(site: Town, visit: Visit) -> None:
    issued = await site.core.act(OPERATOR, vouch, "nora@example.org")
    nora = Person("nora", "nora@example.org", Actor(issued.user_id, "web"), issued.token)
    page = await (await visit.as_(site, nora, zone="America/New_York")).open("/new")
    typed = {
        "Name": "Film night", "When": "tomorrow 20:00", "How long": "2h", "Time zone": "Europe/Berlin", "Where": "Kino",
    }  # fmt: skip
    for label, text in typed.items():
        await page.get_by_label(re.compile(f"^{label}")).fill(text)
    await press(page, "Preview")
    await expect(page.get_by_role("button", name="Create it")).to_be_visible()
    await page.go_back()
    for label, text in typed.items():
        await expect(page.get_by_label(re.compile(f"^{label}"))).to_have_value(text)


async def test_a_message_is_written_and_sent_by_keyboard_alone(site: Town, visit: Visit) -> None:
    event = await site.event()
    await site.follow(site.bob, event)
    page = await (await visit.as_(site, site.alice)).open(f"/e/{event.id}/manage")
    await tab_to(page, "Title")
    await page.keyboard.type("Bring a blanket")
    await tab_to(page, "Message")
    await page.keyboard.type("It gets cold up there.")
    await tab_to(page, "Preview")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/message")
    await tab_to(page, "Send to 1")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/messages/*")
    await tab_to(page, "Look again")
    drawn = await page.locator("#report").get_attribute("hx-get")
    await page.wait_for_function(
        "drawn => document.querySelector('#report').getAttribute('hx-get') !== drawn", arg=drawn
    )
    await expect(page.get_by_role("link", name="Look again")).to_be_focused()


async def test_what_was_typed_survives_being_signed_out(site: Town, visit: Visit) -> None:
    visitor = await visit.as_(site, site.alice)
    visitor.expect(401)
    page = await visitor.open("/new")
    await page.get_by_label("Name").fill("Long in the making")
    await page.get_by_label("Description").fill("Two films.\nA blanket.")
    cookies = await visitor.context.cookies()
    await visitor.context.clear_cookies()
    await press(page, "Preview")
    await expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    await visitor.context.add_cookies(cookies)  # type: ignore[arg-type]
    await press(page, "Go on with what I typed")
    await expect(page.get_by_label("Name")).to_have_value("Long in the making")
    await expect(page.get_by_label("Description")).to_have_value("Two films.\nA blanket.")


async def test_a_new_event_is_shared_with_one_press_where_the_browser_can(site: Town, visit: Visit) -> None:
    visitor = await visit.as_(site, site.alice)
    page = await visitor.context.new_page()
    event = await create(page)
    await expect(page.get_by_text("It's live")).to_be_visible()
    await expect(page.get_by_role("button", name="Share", exact=True)).to_be_hidden()
    await page.add_init_script("navigator.share = async given => { window.shared = given }")
    await page.reload()
    await page.get_by_role("button", name="Share", exact=True).click()
    shared = await page.evaluate("window.shared")
    assert (shared["title"], urlsplit(shared["url"]).path) == ("Rooftop Film Night", f"/e/{event}")


async def test_an_address_typed_wrong_is_corrected_in_place(site: Town, visit: Visit) -> None:
    event = await site.event()
    page = await (await visit()).open(f"/e/{event.id}")
    await page.get_by_label("Your e-mail").fill("nora@exmaple.org")
    await press(page, "Nudge me")
    await press(page, "correct the address")
    await expect(page.get_by_label("Your e-mail")).to_have_value("nora@exmaple.org")
    assert urlsplit(page.url).path == f"/e/{event.id}"


_LINES = """cell => {
  const text = document.createRange();
  text.selectNodeContents(cell);
  const below = cell.querySelector(".only-s");
  if (below) text.setEndBefore(below);
  return new Set([...text.getClientRects()].map(each => Math.round(each.top))).size;
}"""


async def test_an_address_is_read_at_a_glance_on_the_smallest_phone(site: Town, visit: Visit) -> None:
    event = (await site.event()).id
    await seed(site.core, OPERATOR, event, 3, "mailto://guest{n}@mail.example.org", lambda *_: None)
    page = await (await visit.as_(site, site.alice, width=320)).open(f"/e/{event}/manage")
    for path, cells in (("manage", "td:first-child"), ("subscribers", "td label > span")):
        await page.goto(f"/e/{event}/{path}")
        found = await page.locator(cells).all()
        assert len(found) == 3
        for cell in found:
            assert await cell.evaluate(_LINES) <= 2
            await expect(cell.get_by_text("E-mail")).to_be_visible()
        await fits(page)
        await page.set_viewport_size({"width": 1280, "height": 800})
        await expect(page.get_by_role("columnheader", name="Channel")).to_be_visible()
        await page.set_viewport_size({"width": 320, "height": 800})


async def test_the_navigation_of_an_operator_stands_in_one_line_on_a_phone(site: Town, visit: Visit) -> None:
    await site.core.act(OPERATOR, add_operator, site.alice.email)
    page = await (await visit.as_(site, site.alice, width=390)).open("/events")
    places = page.get_by_role("navigation", name="Main").locator("a, button")
    tops = {round((await place.bounding_box() or {"y": 0})["y"]) for place in await places.all()}
    assert (await places.count(), len(tops)) == (5, 1)
