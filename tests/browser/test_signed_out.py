"""What a browser still shows of somebody's pages after their session is over, and what pages say of it."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from tests.browser.conftest import Visit
from tests.browser.test_organizer import SCRIPTS, press
from tests.people import Town

_CAME_BACK = "history.state && performance.getEntriesByType('navigation')[0].type === 'back_forward'"
"""Whether the page is the one that Back led to, and its script has run: going back may be done sooner."""
_TYPED = "[...document.querySelectorAll('input, textarea')].map(e => e.value).filter(text => text.includes('Surprise'))"


async def signed_out(page: Page) -> None:
    await press(page, "Sign out")
    await page.wait_for_url("**/sign-in")


async def back(page: Page) -> None:
    """A page that comes from memory loads nothing that could be waited for."""
    await page.evaluate("history.back()")


async def test_a_page_that_is_brought_back_after_signing_out_asks_who_is_there(site: Town, visit: Visit) -> None:
    page = await (await visit.as_(site, site.alice)).open("/new")
    await page.get_by_label("Name").fill("Surprise party")
    await signed_out(page)
    async with page.expect_request(lambda asked: (asked.method, urlsplit(asked.url).path) == ("HEAD", "/new")):
        await back(page)
    await page.wait_for_url("**/sign-in")
    await expect(page.get_by_label("Name")).to_have_count(0)


async def test_a_form_that_is_brought_back_from_memory_is_emptied_for_another_person(site: Town, visit: Visit) -> None:
    visitor = await visit.as_(site, site.alice)
    page = await visitor.open("/new")
    await page.get_by_label("Name").fill("Surprise party for Bob")
    await signed_out(page)
    await visit.let_in(visitor, site, site.bob)
    async with page.expect_request(lambda asked: (asked.method, urlsplit(asked.url).path) == ("HEAD", "/new")):
        await back(page)
    await expect(page.get_by_label("Name")).to_have_value("")


async def test_a_private_page_that_is_brought_back_from_memory_is_not_there_for_another_person(
    site: Town, visit: Visit
) -> None:
    event, visitor = await site.event(is_public=False), await visit.as_(site, site.alice)
    visitor.expect(404)
    page = await visitor.open(f"/e/{event.id}/manage")
    await signed_out(page)
    await visit.let_in(visitor, site, site.bob)
    await back(page)
    await expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()


async def test_a_page_that_is_brought_back_from_memory_stays_as_it_is_for_whose_it_is(site: Town, visit: Visit) -> None:
    page = await (await visit.as_(site, site.alice)).open("/new")
    await page.get_by_label("Name").fill("Surprise party")
    await page.get_by_role("link", name="Channels").click()
    await page.wait_for_url("**/channels")
    async with page.expect_response(lambda answer: answer.request.method == "HEAD"):
        await back(page)
    await page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    await expect(page.get_by_label("Name")).to_have_value("Surprise party")


@SCRIPTS
@pytest.mark.parametrize("then", ["nobody", "bob"])
async def test_a_page_that_a_browser_has_stored_is_shown_to_nobody_else(
    site: Town, visit_without_memory: Visit, javascript: bool, then: str
) -> None:
    event = await site.event(is_public=False)
    visitor = await visit_without_memory.as_(site, site.alice, javascript=javascript)
    visitor.expect(404)
    page = await visitor.open(f"/e/{event.id}/manage")
    await expect(page.get_by_role("heading", name="What goes out, and when")).to_be_visible()
    await signed_out(page)
    if then == "bob":
        await visit_without_memory.let_in(visitor, site, site.bob)
    await page.go_back()
    await expect(page.get_by_role("heading", name="Nothing here" if then == "bob" else "Sign in")).to_be_visible()
    assert event.name not in await page.content()


@pytest.mark.parametrize("path", ["/new", "/e/{}/report"])
@pytest.mark.parametrize("then", ["nobody", "bob"])
async def test_what_was_typed_is_not_put_back_for_somebody_else(
    site: Town, visit_without_memory: Visit, path: str, then: str
) -> None:
    address = path.format((await site.event()).id)
    visitor = await visit_without_memory.as_(site, site.alice)
    page = await visitor.open(address)
    await page.locator("main form :is(input:not([type=hidden]), textarea)").first.fill("Surprise party for Bob")
    await signed_out(page)
    if then == "bob":
        await visit_without_memory.let_in(visitor, site, site.bob)
    await page.go_back()
    await page.wait_for_function(_CAME_BACK)
    assert await page.evaluate(_TYPED) == []


@SCRIPTS
async def test_what_was_typed_is_found_again_from_what_a_browser_has_stored(
    site: Town, visit_without_memory: Visit, javascript: bool
) -> None:
    page = await (await visit_without_memory.as_(site, site.alice, javascript=javascript)).open("/new")
    await page.get_by_label("Name").fill("Surprise party")
    await page.get_by_role("link", name="Channels").click()
    await page.wait_for_url("**/channels")
    await page.go_back()
    await expect(page.get_by_label("Name")).to_have_value("Surprise party")


async def test_who_is_signed_out_while_they_type_is_told_and_keeps_what_they_typed(site: Town, visit: Visit) -> None:
    visitor = await visit.as_(site, site.alice)
    visitor.expect(401)
    page = await visitor.open("/new")
    await page.get_by_label("Time zone").fill("Europe/Berlin")
    await visitor.context.clear_cookies()
    await page.get_by_label("When").press_sequentially("tomorrow 19:30")
    await expect(page.locator("#reading")).to_contain_text("You are signed out. What you typed stays here")
    await expect(page.get_by_label("When")).to_have_value("tomorrow 19:30")
    assert await visitor.context.cookies() == []
    await visit.let_in(visitor, site, site.alice)
    await page.get_by_label("When").press_sequentially(" ")
    await page.get_by_label("How long").press_sequentially("2h")
    await expect(page.locator("#reading")).to_contain_text("until 21:30")


async def test_a_report_whose_reader_is_signed_out_says_so_and_shows_no_other_page(site: Town, visit: Visit) -> None:
    event = await site.event()
    await site.follow(site.bob, event)
    message = NewMessage(title="Bring a blanket", body="It gets cold.")
    sent = await site.core.act(site.alice.actor, send_message, event.id, message)
    visitor = await visit.as_(site, site.alice)
    visitor.expect(401)
    page = await visitor.open(f"/e/{event.id}/messages/{sent.id}")
    await visitor.context.clear_cookies()
    await expect(page.get_by_role("status")).to_contain_text("You are signed out")
    await expect(page.get_by_role("banner")).to_have_count(1)
    assert await visitor.context.cookies() == []
    await page.get_by_role("status").get_by_role("link", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    [back_to] = await visitor.context.cookies()
    assert f"messages%2F{sent.id}" in str(back_to.get("value"))
