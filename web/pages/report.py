"""Telling the people who run this service what is wrong with an event."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError

from core.errors import Code, SoonishError
from core.events.abuse import NewReport, report_event
from web.api.parts import EventId
from web.problems import STATUS
from web.site import OWN, SiteOf

router = APIRouter()

_LONGEST = 1_000


@router.get("/e/{event_id}/report")
async def form(request: Request, site: SiteOf, event_id: EventId) -> Response:
    return await _page(request, site, event_id)


@router.post("/e/{event_id}/report")
async def received(request: Request, site: SiteOf, event_id: EventId, body: Annotated[str, Form()] = "") -> Response:
    """Thanks, or the form again with what was typed."""
    who, typed = await site.person(request), body[: 2 * _LONGEST]
    try:
        await site.core.act(who, report_event, event_id, NewReport(body=body.strip()))
    except ValidationError:
        words = "Say what is wrong first." if not typed.strip() else f"Say it in {_LONGEST:,} letters at most."
        return await _page(request, site, event_id, status=422, error=words, typed=typed)
    except SoonishError as refusal:
        if refusal.code is Code.NOT_FOUND:
            raise
        words = " ".join(filter(None, (refusal.message, refusal.hint)))
        answer = await _page(request, site, event_id, status=STATUS[refusal.code], error=words, typed=typed)
        if refusal.retry_after is not None:
            answer.headers["Retry-After"] = str(refusal.retry_after)
        return answer
    return await _page(request, site, event_id, done=True)


async def _page(
    request: Request,
    site: SiteOf,
    event_id: str,
    *,
    status: int = 200,
    error: str = "",
    typed: str = "",
    done: bool = False,
) -> Response:
    who = await site.person(request)
    state, _ = await site.states.get(event_id, who)
    about = {"event_id": event_id, "name": state.name, "error": error, "typed": typed, "done": done}
    return site.pages.page("report.html", status=status, headers=OWN, signed_in=who.user_id is not None, **about)
