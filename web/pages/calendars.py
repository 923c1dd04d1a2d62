"""The calendars that somebody may subscribe to: the page that makes and ends their addresses, and the files there."""

import hashlib
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from core.accounts.calendars import Which, end_calendar, make_calendar, my_calendars, read_calendar
from core.work import Actor
from web.pages.forms import sign_in_first
from web.pages.state import is_current
from web.site import OWN, Site, SiteOf

router = APIRouter()

_CALENDAR = "text/calendar"


@router.get("/k/{secret}.ics")
async def calendar(request: Request, site: SiteOf, secret: str) -> Response:
    """For whatever program keeps somebody's calendar: its address is all that it shows."""
    text = await site.core.ask(site.visitor(request), read_calendar, secret)
    headers = {"ETag": f'"{hashlib.sha256(text.encode()).hexdigest()[:20]}"', "Cache-Control": "private, no-cache"}
    if is_current(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type=_CALENDAR)


@router.get("/account/calendars")
async def calendars_page(request: Request, site: SiteOf) -> Response:
    who = await site.person(request)
    if who.session_id is None:
        return sign_in_first(site, request)
    return _page(site, who, since=await site.core.ask(who, my_calendars))


@router.post("/account/calendars/{which}")
async def made(request: Request, site: SiteOf, which: Which) -> Response:
    who = await site.person(request)
    secret = await site.core.act(who, make_calendar, which)
    address = f"{site.settings.public_base_url}/k/{secret}.ics"
    return _page(site, who, since=await site.core.ask(who, my_calendars), which=which, address=address)


@router.post("/account/calendars/{which}/end")
async def ended(request: Request, site: SiteOf, which: Which) -> Response:
    await site.core.act(await site.person(request), end_calendar, which)
    return RedirectResponse("/account/calendars", 303, OWN)


def _page(site: Site, who: Actor, **about: Any) -> Response:
    told = {"which": None, "address": None, **about}
    return site.show(who, "calendars.html", **told)
