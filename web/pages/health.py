"""How an event's workflow is doing, for its organizers: a page, or the part of another one that htmx asks for."""

from fastapi import APIRouter, Request, Response

from core.events.health import workflow_status
from core.events.usecases import event_to_manage
from web.api.parts import EventId
from web.pages.forms import sign_in_first, wants_fragment
from web.site import SiteOf

router = APIRouter()


@router.get("/e/{event_id}/health")
async def health(request: Request, site: SiteOf, event_id: EventId) -> Response:
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    event = await site.core.ask(who, event_to_manage, event_id)
    found = await workflow_status(site.core, site.temporal, who, event_id)
    name = "_health.html" if wants_fragment(request) else "health.html"
    return site.show(who, name, here="events", event=event, health=found)
