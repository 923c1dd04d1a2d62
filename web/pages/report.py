"""Telling the people who run this service what is wrong with an event."""

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from core.errors import Code, SoonishError
from core.events.abuse import NewReport, report_event
from web.api.parts import EventId
from web.pages.forms import beside, later, new_key, read_form, status_of
from web.site import TYPED, SiteOf

router = APIRouter()

_LONGEST = 1_000


@router.get("/e/{event_id}/report")
async def form(request: Request, site: SiteOf, event_id: EventId) -> Response:
    return await _page(request, site, event_id)


@router.post("/e/{event_id}/report")
async def received(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """Thanks, or the form again with what was typed."""
    sent, who = await read_form(request), await site.person(request)
    typed = sent.get("body")[: 2 * _LONGEST]
    try:
        report = NewReport(body=sent.get("body").strip())
        await site.core.act_once(sent.once(who, f"report:{event_id}"), who, report_event, event_id, report)
    except ValidationError:
        words = "Say what is wrong first." if not typed.strip() else f"Say it in {_LONGEST:,} letters at most."
        return await _page(request, site, event_id, status=422, wrong={"body": words}, typed=typed)
    except SoonishError as refusal:
        if refusal.code is Code.NOT_FOUND:
            raise
        wrong = beside(refusal, "body")
        return later(await _page(request, site, event_id, status=status_of(refusal), wrong=wrong, typed=typed), refusal)
    return await _page(request, site, event_id, done=True)


async def _page(
    request: Request,
    site: SiteOf,
    event_id: str,
    *,
    status: int = 200,
    wrong: dict[str, str] | None = None,
    typed: str = "",
    done: bool = False,
) -> Response:
    who = await site.person(request)
    state, _ = await site.states.get(event_id, who)
    about = {"event_id": event_id, "name": state.name, "wrong": wrong, "typed": typed, "done": done, "key": new_key()}
    return site.pages.page("report.html", status=status, headers=TYPED, signed_in=who.user_id or False, **about)
