"""The forms of events and channels without a mouse: Tab reaches every field and button, and shows where it is."""

from playwright.async_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import tab_to
from tests.people import Town
from tests.servers import WebhookSink


async def fill(page: Page, *fields: tuple[str, str]) -> None:
    """One after the other, in the order in which Tab comes to them."""
    for label, words in fields:
        await tab_to(page, label, at_most=12)
        await page.keyboard.press("ControlOrMeta+A")
        await page.keyboard.type(words)


async def press(page: Page, name: str) -> None:
    await tab_to(page, name)
    await page.keyboard.press("Enter")


async def test_an_event_is_made_corrected_and_changed_by_the_keyboard_alone(site: Town, visit: Visit) -> None:
    visitor = await visit.as_(site, site.alice)
    visitor.expect(422)
    page = await visitor.open("/events")
    await press(page, "New event")
    await page.wait_for_url("**/new")
    await fill(page, ("Name", "Rooftop Film Night"), ("When", "tomorrow at 7"))
    await press(page, "Preview")
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_label("When")).to_be_focused()
    await page.keyboard.press("ControlOrMeta+A")
    await page.keyboard.type("tomorrow 19:30")
    await fill(page, ("How long (if you like)", "3h"), ("Time zone", "Europe/Berlin"))
    await fill(page, ("Where (if you like)", "Kino Dach"), ("Description (if you like)", "Two films."))
    await tab_to(page, "Anyone with the link And whoever they pass it on to", at_most=2)
    await page.keyboard.press("ArrowDown")
    await press(page, "Preview")
    await expect(page.get_by_text("Invited people only")).to_be_visible()
    await press(page, "Create it")
    await page.wait_for_url("**/e/*")
    await press(page, "Edit")
    await page.wait_for_url("**/edit")
    await fill(page, ("Where (if you like)", "The café downstairs"))
    await press(page, "See what changes")
    await expect(page.get_by_text("Where: The café downstairs.")).to_be_visible()
    await press(page, "Save")
    await page.wait_for_url("**/manage?said=*")


async def test_a_channel_is_added_renamed_and_removed_by_the_keyboard_alone(
    site: Town, visit: Visit, hooks: WebhookSink
) -> None:
    visitor = await visit.as_(site, site.bob)
    visitor.expect(422)
    page = await visitor.open("/channels")
    await press(page, "Your own webhook")
    await page.wait_for_url("**/channels/add/*")
    await press(page, "Test and add it")
    await expect(page.get_by_role("alert")).to_have_text("This cannot be empty.")
    await expect(page.get_by_label("Address")).to_be_focused()
    await page.keyboard.type(hooks.url("/kitchen"))
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("ControlOrMeta+A")
    await page.keyboard.type("Kitchen display")
    await press(page, "Test and add it")
    await expect(page.get_by_text("It works: we have just sent a test through it.")).to_be_visible()
    await press(page, "Rename or remove Kitchen display")
    await fill(page, ("Name of Kitchen display", "Hall display"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Renamed.")).to_be_visible()
    await expect(page.get_by_role("article", name="Hall display")).to_be_visible()
    await press(page, "Rename or remove Hall display")
    await press(page, "Remove it: Hall display")
    await expect(page.get_by_role("heading", name="Remove Hall display?")).to_be_visible()
    await press(page, "Remove it")
    await expect(page.get_by_text("Removed, and its address is forgotten.")).to_be_visible()


async def test_enter_signs_in_by_the_password_where_one_is_typed_and_asks_for_a_link_otherwise(
    site: Town, visit: Visit
) -> None:
    visitor = await visit()
    visitor.expect(401)
    page = await visitor.open("/sign-in")
    await fill(page, ("Your e-mail", "nora@example.org"))
    await press(page, "I have a password")
    await fill(page, ("Password", "not the one"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("password")
    await page.get_by_label("Your e-mail").press("Enter")
    await expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
