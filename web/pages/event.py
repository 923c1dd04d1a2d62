"""The event's page, and its subscribe form: it works without JavaScript, htmx only saves the reload."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from core.errors import Code, SoonishError
from core.events.calendar import event_calendar
from core.events.usecases import event_page
from core.integrations.usecases import list_integrations
from core.pages import PageRequest
from core.subscriptions.join import ask_by_email
from core.subscriptions.model import SubscribeByEmail
from core.subscriptions.views import subscriptions_to
from core.work import Actor
from web.api.parts import EventId
from web.pages.cover import cover
from web.pages.forms import NO_ADDRESS, beside, later, status_of, wants_fragment
from web.pages.show import shown
from web.pages.state import is_current
from web.site import OWN, Site, SiteOf

router = APIRouter()

_CACHE = "private, no-cache"
_CALENDAR = "text/calendar"
_COVER = {"Cache-Control": "private, max-age=3600"}
_LONGEST_ADDRESS = 400
CREATED = "created"
"""What `said` is on the way from creating an event."""
_ACCEPTED = {
    "follow": "You're in.",
    "organize": "You now help organize this.",
    "own": "This event is yours now.",
}
"""By what an invitation was for."""


@router.get("/e/{event_id}.ics")
async def calendar(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """Before the page's own route, which would take the dot for a part of the id."""
    who = await site.person(request)
    state, public = await site.states.get(event_id, who)
    tag = state.calendar_tag(site.settings.public_base_url, site.settings.smtp_from)
    headers = {"ETag": tag, "Cache-Control": _CACHE, "Vary": "Cookie"} if public else OWN
    if public and is_current(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    text = await site.core.ask(who, event_calendar, event_id)
    return Response(text, headers=headers, media_type=_CALENDAR)


@router.get("/e/{event_id}")
async def event(request: Request, site: SiteOf, event_id: EventId, said: str = "") -> Response:
    """`said`: what somebody signed in has just accepted, or that its organizer has just created it."""
    who = await site.person(request)
    state, _ = await site.states.get(event_id, who)
    if who.user_id is not None:
        context = await event_context(site, who, event_id)
        return site.pages.page(
            "event.html", headers=OWN, **context | {"said": _accepted(said, context), "fresh": said == CREATED}
        )
    headers = {"ETag": state.tag(site.pages.version, site.core.clock.now()), "Cache-Control": _CACHE, "Vary": "Cookie"}
    if is_current(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return site.pages.page("event.html", headers=headers, **await event_context(site, who, event_id))


@router.get("/e/{event_id}/cover.svg")
async def event_cover(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """Everybody's drawing of a public event; a private one's is stored by nobody."""
    state, public = await site.states.get(event_id, await site.person(request))
    drawing = site.pages.text("cover.svg", **cover(event_id, state.start, site.core.clock.now()))
    return Response(drawing, media_type="image/svg+xml", headers=_COVER if public else OWN)


@router.post("/e/{event_id}/subscribe")
async def subscribe(
    request: Request,
    site: SiteOf,
    event_id: EventId,
    email: Annotated[str, Form()] = "",
    website: Annotated[str, Form()] = "",
    step: Annotated[str, Form()] = "",
) -> Response:
    """The form again with what was typed when something is wrong, or to correct it (`step`: edit); else "Check your
    inbox"."""
    who, typed = await site.person(request), email.strip()[:_LONGEST_ADDRESS]
    if step == "edit":
        return await form_again(request, site, who, event_id, typed, 200, {})
    try:
        wanted = SubscribeByEmail(email=_given(typed), website=website[:_LONGEST_ADDRESS])
        await ask_by_email(site.core, who, event_id, wanted)
    except ValidationError:
        return await form_again(request, site, who, event_id, typed, 422, {"email": NO_ADDRESS})
    except SoonishError as refusal:
        if refusal.code is Code.NOT_FOUND:
            raise
        wrong = beside(refusal, "email")
        return later(await form_again(request, site, who, event_id, typed, status_of(refusal), wrong), refusal)
    if wants_fragment(request):
        name = (await site.states.get(event_id, who))[0].name
        return site.pages.page("_sent.html", typed=typed, event={"id": event_id, "name": name})
    return site.pages.page("sent.html", headers=OWN, **await event_context(site, who, event_id) | {"typed": typed})


@router.get("/e/{event_id}/follow")
@router.get("/e/{event_id}/unfollow")
@router.get("/e/{event_id}/subscribe")
async def back_to_event(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """For whoever opens the form's address again from the history."""
    await site.states.get(event_id, await site.person(request))
    return RedirectResponse(f"/e/{event_id}", 303)


def _accepted(purpose: str, context: dict[str, Any]) -> str:
    words = _ACCEPTED.get(purpose, "")
    if purpose == "follow" and not context["follows"] and context["any_on"]:
        words += " Press “Nudge me” to get reminders."
    return words


def _given(typed: str) -> str:
    if not typed:
        raise SoonishError(Code.INVALID, "Type your e-mail address first.", field="email")
    return typed


async def form_again(
    request: Request, site: Site, who: Actor, event_id: str, typed: str, status: int, wrong: dict[str, str]
) -> Response:
    context = await event_context(site, who, event_id) | {"wrong": wrong, "typed": typed}
    name = "_nudge.html" if wants_fragment(request) else "event.html"
    return site.pages.page(name, status=status, headers=OWN, **context)


async def event_context(site: Site, who: Actor, event_id: str) -> dict[str, Any]:
    view, host, updates = await site.core.ask(who, event_page, event_id)
    here: dict[str, Any] = site.frame(who)
    if who.user_id is not None:
        here |= await following(site, who, event_id)
    return shown(view, host, updates, site.core.clock.now()) | {"fresh": False} | here


async def following(site: Site, who: Actor, event_id: str) -> dict[str, Any]:
    """By which channels somebody follows the event, by which they could, and the tags that name several of these."""
    rows = await site.core.ask(who, subscriptions_to, event_id)
    channels = (await site.core.ask(who, list_integrations, PageRequest(limit=100))).items
    taken = {each.integration_id for each in rows}
    on = {each.id for each in channels if each.is_active}
    free = [each for each in channels if each.id not in taken]
    tags = Counter(each.tag for each in free if each.is_active)
    return {
        "follows": rows,
        "off": [each.id for each in rows if each.integration_id not in on],
        "silent": bool(rows) and not any(each.state == "active" and each.integration_id in on for each in rows),
        "paused": bool(rows) and all(each.state == "paused" for each in rows),
        "free": free,
        "any_on": bool(on),
        "tags": [tag for tag, number in tags.items() if number > 1],
        "said": "",
        "undo": None,
    }
