"""Every public page at every width, dark and light, and for those who hear it rather than see it."""

from core.events.changes import cancel_event
from core.events.model import Cancellation
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from tests.browser.conftest import Visit
from tests.browser.visitor import walk
from tests.people import Town

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenfest " * 3


async def test_every_public_page_fits_and_can_be_read(site: Town, visit: Visit) -> None:
    full = await site.event(name=LONG, location=LONG, description=f"{LONG}\n\n{LONG}", contact="x" * 120)
    await site.core.act(site.alice.actor, send_message, full.id, NewMessage(title=LONG, body=LONG))
    cancelled = await site.event()
    await site.core.act(site.alice.actor, cancel_event, cancelled.id, Cancellation(reason="Flood"))
    over = await site.event(start=site.in_(minutes=5))
    site.clock.shift += site.in_(hours=3) - site.in_(hours=0)
    visitor = await visit()
    visitor.expect(404)
    events = [f"/e/{each.id}" for each in (full, cancelled, over)]
    for path in ("/", "/privacy", "/sign-in", "/api/docs", "/nothing-here", *events, f"/e/{full.id}/report"):
        page = await visitor.open(path)
        await walk(page)
        await page.close()
