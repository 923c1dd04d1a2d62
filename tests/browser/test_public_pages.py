"""What guests and followers do beside the main story, and words too long for any page."""

from core.events.changes import cancel_event
from core.events.model import Cancellation
from core.invitations.model import NewLink
from core.invitations.offer import invite
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.operators.access import add_operator
from tests.browser.conftest import Visit
from tests.browser.visitor import fits, tab_to
from tests.people import OPERATOR, Town

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenfest " * 3


async def test_the_longest_words_stay_within_every_width(site: Town, visit: Visit) -> None:
    await site.core.act(OPERATOR, add_operator, site.alice.email)
    event = await site.event(name=LONG, location=LONG, description=f"{LONG}\n\n{LONG}", contact="x" * 120)
    await site.core.act(site.alice.actor, send_message, event.id, NewMessage(title=LONG, body=LONG))
    cancelled = await site.event(name=LONG)
    await site.core.act(site.alice.actor, cancel_event, cancelled.id, Cancellation(reason=LONG))
    await site.channel(site.alice, "jsons://192.0.43.8/x", LONG[:150])
    page = await (await visit.as_(site, site.alice)).open("/")
    own = ("", "/manage", "/edit", "/subscribers", "/people", "/cancel", "/report")
    places = ("/events", "/channels", f"/admin/events/{event.id}", f"/e/{cancelled.id}", "/account")
    for path in (*(f"/e/{event.id}{each}" for each in own), *places):
        await page.goto(path)
        await fits(page)


async def test_a_guest_comes_in_by_an_invitation(site: Town, visit: Visit) -> None:
    event = await site.event(name="Birthday", is_public=False)
    made = await site.core.act(site.alice.actor, invite, event.id, NewLink(kind="link"))
    assert made.link is not None
    stranger = await visit(javascript=False, width=390)
    page = await stranger.open(made.link)
    await fits(page)
    await page.get_by_label("Your e-mail").fill("nora@example.org")
    await page.get_by_role("button", name="Nudge me").click()
    await page.get_by_role("heading", name="Check your inbox").wait_for()
    page = await (await visit.as_(site, site.bob)).open(made.link)
    await page.get_by_role("button", name="Accept as bob@example.org").click()
    await page.get_by_role("heading", name="Birthday").wait_for()


async def test_calendars_are_made_and_ended_by_the_keyboard(site: Town, visit: Visit) -> None:
    bob = await visit.as_(site, site.bob)
    page = await bob.open("/account/calendars")
    await tab_to(page, "Make an address for everything you follow")
    await page.keyboard.press("Enter")
    address = await page.locator(".bubble").inner_text()
    assert address.startswith(f"{bob.address}/k/")
    assert (await page.request.get(address)).status == 200
    await tab_to(page, "End it for everything you follow")
    await page.keyboard.press("Enter")
    await page.get_by_text("On since").wait_for(state="detached")
    assert (await page.request.get(address)).status == 404
