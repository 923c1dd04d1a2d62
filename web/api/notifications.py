"""The organizer's messages, and what became of every delivery."""

from typing import Annotated, Literal

from fastapi import Body, Query

from core.notifications.model import Accepted, EventDelivery, NewMessage, Report, ReportedOutcome, Retried
from core.notifications.usecases import event_deliveries, report, retry, send_message
from core.pages import Page
from web.api.document import problems
from web.api.parts import EventId, LongPaging, Me, Paging, Repeat, RowId, api_router
from web.site import SiteOf

router = api_router("Messages")

Status = Literal["queued", "sending", "delivered", "pending", "dead", "skipped"]
_MESSAGE = {"title": "Doors moved to 18:00", "body": "Films still start at 19:30."}


@router.post(
    "/events/{event_id}/notify",
    status_code=202,
    summary="Write to subscribers",
    responses=problems(401, 403, 404, 409, 422, 429),
)
async def new_message(
    site: SiteOf, me: Me, event_id: EventId, repeat: Repeat, message: Annotated[NewMessage, Body(examples=[_MESSAGE])]
) -> Accepted:
    """To everybody who follows, or to the chosen `subscription_ids`. Answers at once; the report follows the rest."""
    return await site.core.act_once(repeat.of(me, message), me, send_message, event_id, message)


@router.get("/notifications/{notification_id}", summary="Report", responses=problems(401, 404, 422))
async def notification_report(
    site: SiteOf,
    me: Me,
    notification_id: RowId,
    page: LongPaging,
    outcome: Annotated[ReportedOutcome | None, Query()] = None,
) -> Report:
    """Counts over all of it, and a page of results; `outcome` narrows the results, not the counts."""
    return await site.core.ask(me, report, notification_id, page, outcome=outcome)


@router.post(
    "/notifications/{notification_id}/retry",
    status_code=202,
    summary="Try the failed ones again",
    responses=problems(401, 404, 409, 422, 429),
)
async def retried_notification(site: SiteOf, me: Me, notification_id: RowId, repeat: Repeat) -> Retried:
    return await site.core.act_once(repeat.of(me), me, retry, notification_id)


@router.get(
    "/events/{event_id}/deliveries", summary="Everything sent about an event", responses=problems(401, 403, 404, 422)
)
async def deliveries_of_event(
    site: SiteOf, me: Me, event_id: EventId, page: Paging, status: Annotated[Status | None, Query()] = None
) -> Page[EventDelivery]:
    """Newest first."""
    return await site.core.ask(me, event_deliveries, event_id, page, status=status)
