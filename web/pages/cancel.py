"""Calling an event off: who is told is said before the button that does it."""

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from core.errors import SoonishError
from core.events.changes import cancel_event
from core.events.model import Cancellation
from core.events.usecases import event_to_manage
from core.work import Actor
from web.api.parts import EventId
from web.pages.forms import complaints, must_sign_in, read_form, sign_in_first, status_of
from web.site import OWN, TYPED, Site, SiteOf

router = APIRouter(prefix="/e/{event_id}")


@router.get("/cancel")
async def asked(request: Request, site: SiteOf, event_id: EventId) -> Response:
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    return await _page(site, who, event_id, {})


@router.post("/cancel")
async def cancelled(request: Request, site: SiteOf, event_id: EventId) -> Response:
    sent, who = await read_form(request), await site.person(request)
    typed = sent.typed(("reason",))
    try:
        who.require_user()
        if sent.step != "cancel":
            return await _page(site, who, event_id, typed)
        await site.core.act(who, cancel_event, event_id, Cancellation(reason=sent.get("reason")))
    except (SoonishError, ValidationError) as refusal:
        if must_sign_in(refusal):
            raise
        return await _page(site, who, event_id, typed, status=status_of(refusal), wrong=complaints(refusal, {}))
    return RedirectResponse(f"/e/{event_id}/manage?said=cancelled", 303, OWN)


async def _page(
    site: Site,
    who: Actor,
    event_id: str,
    typed: dict[str, str],
    *,
    status: int = 200,
    wrong: dict[str, str] | None = None,
) -> Response:
    event = await site.core.ask(who, event_to_manage, event_id)
    about = {"event": event, "typed": typed, "wrong": wrong or {}}
    return site.show(who, "cancel.html", here="events", status=status, headers=TYPED, **about)
