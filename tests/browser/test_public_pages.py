"""The pages at every width, dark and light, and for those who hear them rather than see them."""

import datetime as dt

from core.events.changes import cancel_event
from core.events.model import Cancellation
from core.invitations.model import NewLink
from core.invitations.offer import invite
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.operators.access import add_operator
from tests.browser.conftest import Visit
from tests.browser.visitor import accessible, fits, tab_to, walk
from tests.people import OPERATOR, Town

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenfest " * 3


async def test_every_public_page_fits_and_can_be_read(site: Town, visit: Visit) -> None:
    full = await site.event(name=LONG, location=LONG, description=f"{LONG}\n\n{LONG}", contact="x" * 120)
    await site.core.act(site.alice.actor, send_message, full.id, NewMessage(title=LONG, body=LONG))
    cancelled, over = await site.event(), await site.event(start=site.in_(minutes=5))
    await site.core.act(site.alice.actor, cancel_event, cancelled.id, Cancellation(reason="Flood"))
    site.clock.shift += dt.timedelta(hours=3)
    visitor = await visit()
    visitor.expect(404)
    events = [f"/e/{each.id}" for each in (full, cancelled, over)]
    page = await visitor.open("/api/docs")
    await fits(page)
    await accessible(page)
    for path in ("/", "/privacy", "/sign-in", "/nothing-here", *events, f"/e/{full.id}/report"):
        await page.goto(path)
        await walk(page)


async def test_a_guest_comes_in_by_an_invitation(site: Town, visit: Visit) -> None:
    event = await site.event(name="Birthday", is_public=False)
    made = await site.core.act(site.alice.actor, invite, event.id, NewLink(kind="link"))
    assert made.link is not None
    stranger = await visit(javascript=False, width=390)
    page = await stranger.open(made.link)
    await walk(page)
    await page.get_by_label("Your e-mail").fill("nora@example.org")
    await page.get_by_role("button", name="Nudge me").click()
    await page.get_by_role("heading", name="Check your inbox").wait_for()
    page = await (await visit.as_(site, site.bob)).open(made.link)
    await page.get_by_role("button", name="Accept as bob@example.org").click()
    await page.get_by_role("heading", name="Birthday").wait_for()


async def test_calendars_are_made_and_ended_by_the_keyboard(site: Town, visit: Visit) -> None:
    bob = await visit.as_(site, site.bob)
    page = await bob.open("/account/calendars")
    await walk(page)
    await tab_to(page, "Make an address for all that you follow")
    await page.keyboard.press("Enter")
    address = await page.locator(".bubble").inner_text()
    assert address.startswith(f"{bob.address}/k/")
    await walk(page)
    assert (await page.request.get(address)).status == 200
    await tab_to(page, "End it for all that you follow")
    await page.keyboard.press("Enter")
    await page.get_by_text("On since").wait_for(state="detached")
    assert (await page.request.get(address)).status == 404


async def test_the_operators_pages_fit_and_can_be_read(site: Town, visit: Visit) -> None:
    await site.core.act(OPERATOR, add_operator, site.alice.email)
    event = await site.event(name=LONG)
    operator = await visit.as_(site, site.alice)
    page = await operator.open("/admin")
    await walk(page)
    for path in ("/events", f"/events/{event.id}", "/reports", "/channels", "/deliveries", "/audit"):
        await page.goto(f"/admin{path}")
        await fits(page)
        await accessible(page)
