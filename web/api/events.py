"""Events: create, read, list, change, cancel, and how the workflow of one is doing."""

from typing import Annotated, Literal

from fastapi import Body, Query, Response

from core.events.abuse import NewReport, Thanks, report_event
from core.events.changes import cancel_event, change_event
from core.events.health import WorkflowStatus, workflow_status
from core.events.model import Cancellation, EventChange, EventView, NewEvent
from core.events.usecases import create_event, get_event, list_events
from core.pages import Page
from web.api.document import problems
from web.api.parts import ANYBODY, Caller, EventId, Me, Paging, Repeat, api_router
from web.site import SiteOf

router = api_router("Events")

_NEW = {
    "name": "Rooftop Film Night",
    "start_date": "2027-05-01T19:30:00+02:00",
    "location": "Kino Dach, Lenaustraße 12, Berlin",
    "timezone": "Europe/Berlin",
}


@router.post("/events", status_code=201, summary="Create an event", responses=problems(401, 403, 409, 422, 429))
async def new_event(
    site: SiteOf, me: Me, repeat: Repeat, new: Annotated[NewEvent, Body(examples=[_NEW])], response: Response
) -> EventView:
    """Its workflow starts, its reminders are set, and its public page is there at once. Needs a verified address."""
    view = await site.core.act_once(repeat.of(me, new), me, create_event, new)
    response.headers["Location"] = f"/api/events/{view.id}"
    return view


@router.get("/events", summary="My events", responses=problems(401, 422))
async def my_events(
    site: SiteOf,
    me: Me,
    page: Paging,
    which: Annotated[Literal["mine", "subscribed"], Query(description="Organized or followed by me")] = "mine",
    upcoming: Annotated[bool, Query(description="Leave out what has started or is cancelled")] = False,
) -> Page[EventView]:
    """Newest first."""
    return await site.core.ask(me, list_events, which, page, upcoming=upcoming)


@router.get("/events/{event_id}", summary="One event", responses=problems(401, 404), openapi_extra=ANYBODY)
async def one_event(site: SiteOf, who: Caller, event_id: EventId) -> EventView:
    """Public events need no token; a private one is there only for those who may see it."""
    return await site.core.ask(who, get_event, event_id)


@router.patch("/events/{event_id}", summary="Change an event", responses=problems(401, 403, 404, 409, 422, 429))
async def changed_event(
    site: SiteOf,
    me: Me,
    event_id: EventId,
    change: Annotated[EventChange, Body(examples=[{"location": "Café downstairs", "revision": 1}])],
) -> EventView:
    """Only what is sent changes. Subscribers are told of a new time or place; `notify` true tells of any change,
    false of none, "now" at once. `revision` refuses the change if somebody else made one meanwhile."""
    return await site.core.act(me, change_event, event_id, change)


@router.post("/events/{event_id}/cancel", summary="Cancel an event", responses=problems(401, 403, 404, 409, 422))
async def cancelled_event(
    site: SiteOf,
    me: Me,
    event_id: EventId,
    repeat: Repeat,
    cancellation: Annotated[Cancellation | None, Body(examples=[{"reason": "Storm warning"}])] = None,
) -> EventView:
    """For good. Everybody who follows it is told at once; its reminders are withdrawn."""
    given = cancellation or Cancellation()
    return await site.core.act_once(repeat.of(me, given), me, cancel_event, event_id, given)


@router.post(
    "/events/{event_id}/report",
    status_code=202,
    summary="Report an event",
    responses=problems(401, 404, 422, 429),
    openapi_extra=ANYBODY,
)
async def reported_event(
    site: SiteOf, who: Caller, event_id: EventId, report: Annotated[NewReport, Body(examples=[{"body": "It is spam."}])]
) -> Thanks:
    """To the operators of this service, by anybody who sees the event; nobody else reads it."""
    return await site.core.act(who, report_event, event_id, report)


@router.get("/events/{event_id}/workflow/status", summary="The event's workflow", responses=problems(401, 403, 404))
async def event_workflow(site: SiteOf, me: Me, event_id: EventId) -> WorkflowStatus:
    """Its state, its reminders and the last error. Answers from the rows when Temporal is away, and says so."""
    return await workflow_status(site.core, site.temporal, me, event_id)
