"""The event's page, and its subscribe form: it works without JavaScript, htmx only saves the reload."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from core.errors import Code, SoonishError
from core.events.calendar import event_calendar
from core.events.usecases import event_page
from core.subscriptions.join import ask_by_email
from core.subscriptions.model import SubscribeByEmail
from core.work import Actor
from web.api.parts import EventId
from web.pages.cover import cover
from web.pages.show import shown
from web.pages.state import is_current
from web.problems import STATUS
from web.site import Site, SiteOf

router = APIRouter()

_CACHE = "private, no-cache"
_CALENDAR = "text/calendar"
_LONGEST_ADDRESS = 400


@router.get("/e/{event_id}.ics")
async def calendar(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """Before the page's own route, which would take the dot for a part of the id."""
    try:
        state = await site.states.get(event_id)
    except SoonishError:
        return await _private_calendar(request, site, event_id)
    tag = state.calendar_tag(site.settings.public_base_url, site.settings.smtp_from)
    headers = {"ETag": tag, "Cache-Control": _CACHE}
    if is_current(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    text = await site.core.ask(site.visitor(request), event_calendar, event_id)
    return Response(text, headers=headers, media_type=_CALENDAR)


@router.get("/e/{event_id}")
async def event(request: Request, site: SiteOf, event_id: EventId) -> Response:
    visitor, now = site.visitor(request), site.core.clock.now()
    state = await site.states.get(event_id)
    headers = {"ETag": state.tag(site.pages.version, now), "Cache-Control": _CACHE}
    if is_current(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return site.pages.page("event.html", headers=headers, **await _context(site, visitor, event_id))


@router.get("/e/{event_id}/cover.svg")
async def event_cover(site: SiteOf, event_id: EventId) -> Response:
    state = await site.states.get(event_id)
    drawing = site.pages.text("cover.svg", **cover(event_id, state.start, site.core.clock.now()))
    return Response(drawing, media_type="image/svg+xml", headers={"Cache-Control": "private, max-age=3600"})


@router.post("/e/{event_id}/subscribe")
async def subscribe(
    request: Request,
    site: SiteOf,
    event_id: EventId,
    email: Annotated[str, Form()] = "",
    website: Annotated[str, Form()] = "",
) -> Response:
    """The form again with what was typed when something is wrong, else "Check your inbox"."""
    visitor, typed = site.visitor(request), email.strip()[:_LONGEST_ADDRESS]
    try:
        wanted = SubscribeByEmail(email=_given(typed), website=website[:_LONGEST_ADDRESS])
        await ask_by_email(site.core, visitor, event_id, wanted)
    except ValidationError:
        return await _form_again(request, site, visitor, event_id, typed, 422, "That is not an e-mail address.")
    except SoonishError as refusal:
        if refusal.code is Code.NOT_FOUND:
            raise
        words = " ".join(filter(None, (refusal.message, refusal.hint)))
        answer = await _form_again(request, site, visitor, event_id, typed, STATUS[refusal.code], words)
        if refusal.retry_after is not None:
            answer.headers["Retry-After"] = str(refusal.retry_after)
        return answer
    if _wants_fragment(request):
        name = (await site.states.get(event_id)).name
        return site.pages.page("_sent.html", typed=typed, event={"id": event_id, "name": name})
    return site.pages.page("sent.html", **await _context(site, visitor, event_id) | {"typed": typed})


@router.get("/e/{event_id}/subscribe")
async def back_to_event(site: SiteOf, event_id: EventId) -> Response:
    """For whoever opens the form's address again from the history."""
    await site.states.get(event_id)
    return RedirectResponse(f"/e/{event_id}", 303)


async def _private_calendar(request: Request, site: Site, event_id: str) -> Response:
    """For whom it is, known by their session: nothing on the way keeps it."""
    text = await site.core.ask(await site.person(request), event_calendar, event_id)
    return Response(text, headers={"Cache-Control": "no-store"}, media_type=_CALENDAR)


def _given(typed: str) -> str:
    if not typed:
        raise SoonishError(Code.INVALID, "Type your e-mail address first.", field="email")
    return typed


async def _form_again(
    request: Request, site: Site, visitor: Actor, event_id: str, typed: str, status: int, words: str
) -> Response:
    context = await _context(site, visitor, event_id) | {"error": words, "typed": typed}
    return site.pages.page("_nudge.html" if _wants_fragment(request) else "event.html", status=status, **context)


async def _context(site: Site, visitor: Actor, event_id: str) -> dict[str, Any]:
    view, host, updates = await site.core.ask(visitor, event_page, event_id)
    return shown(view, host, updates, site.core.clock.now())


def _wants_fragment(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"
