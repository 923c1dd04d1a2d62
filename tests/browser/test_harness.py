"""What watches over the pages sees what it is there to see."""

import pytest

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor, accessible, fits, tab_to, walk
from tests.people import Town


def seen(visitor: Visitor) -> str:
    """What went wrong so far, taken off the visitor's list."""
    found, visitor.faults[:] = "\n".join(visitor.faults), []
    return found


async def test_whatever_goes_wrong_in_a_page_is_seen(site: Town, visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/")
    async with page.expect_console_message():
        await page.evaluate("console.error('a word of warning')")
    assert "a word of warning" in seen(visitor)
    async with visitor.context.expect_event("weberror"):
        await page.evaluate("() => { setTimeout(() => { throw new Error('broken') }) }")
    assert "broken" in seen(visitor)
    async with page.expect_console_message(lambda message: message.text.startswith("CSP")):
        await page.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://x.test/'}))")
    assert "img-src" in seen(visitor)
    await page.goto("/nothing-here")
    assert "/nothing-here: 404" in seen(visitor)
    visitor.expect(404)
    await page.goto("/nothing-here")
    assert not seen(visitor)


async def test_a_page_that_spills_or_cannot_be_read_is_seen(site: Town, visit: Visit) -> None:
    page = await (await visit(javascript=False)).open("/sign-in")
    await walk(page)
    page = await (await visit()).open("/sign-in")
    await page.evaluate("document.querySelector('h1').style.minWidth = '400px'")
    with pytest.raises(AssertionError, match=r"(?s)at 320 px spills:.*<h1"):
        await fits(page)
    await page.evaluate("document.querySelector('h1').style.color = '#ddd'")
    with pytest.raises(AssertionError, match="color-contrast"):
        await accessible(page)
    await page.evaluate("document.activeElement.blur()")
    with pytest.raises(AssertionError, match=r"Tab does not come to 'Nowhere', but to .*Mail me a link"):
        await tab_to(page, "Nowhere")


async def test_people_are_signed_in_as_themselves(site: Town, visit: Visit) -> None:
    page = await (await visit.as_(site, site.bob)).open("/account")
    assert "bob@example.org" in await page.inner_text("main")
