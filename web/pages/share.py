"""What takes an event elsewhere: its QR code, the card that other sites show of it, and its news as a feed."""

import asyncio
import datetime as dt
import io

import segno
from fastapi import APIRouter, Request, Response

from core.events.usecases import event_page
from core.times import say
from web.api.parts import EventId
from web.pages.card import FORM, Card, draw_card
from web.pages.show import news
from web.pages.state import is_current
from web.site import OWN, SiteOf

router = APIRouter()

_AGAIN = {"Cache-Control": "private, no-cache", "Vary": "Cookie"}
_FEED = "application/atom+xml"


@router.get("/e/{event_id}.atom")
async def feed(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """Before the page's own route, which would take the dot for a part of the id."""
    who = await site.person(request)
    state, public = await site.states.get(event_id, who)
    headers = {**_AGAIN, "ETag": state.feed_tag(site.pages.version)} if public else OWN
    if public and is_current(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    view, host, updates = await site.core.ask(who, event_page, event_id)
    text = site.pages.text("feed.xml", **news(view, host, updates))
    return Response(text, headers=headers, media_type=_FEED)


@router.get("/e/{event_id}/qr.svg")
async def qr_code(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """Of the page's address, which is all that it depends on."""
    _, public = await site.states.get(event_id, await site.person(request))
    drawing = io.BytesIO()
    code = segno.make(f"{site.settings.public_base_url}/e/{event_id}", error="m", micro=False)
    code.save(drawing, kind="svg", border=0, xmldecl=False, omitsize=True, svgclass=None, lineclass=None)
    headers = {"Cache-Control": "private, max-age=86400"} if public else OWN
    return Response(drawing.getvalue(), headers=headers, media_type="image/svg+xml")


@router.get("/e/{event_id}/card.png")
async def card(request: Request, site: SiteOf, event_id: EventId) -> Response:
    state, public = await site.states.get(event_id, await site.person(request))
    shown = Card(event_id, state.name, _when(state.start, state.zone, state.status), state.location)
    headers = {**_AGAIN, "ETag": f'"{shown.digest(FORM)}"'} if public else OWN
    if public and is_current(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(await asyncio.to_thread(draw_card, shown), headers=headers, media_type="image/png")


def _when(start: dt.datetime, zone: str, status: str) -> str:
    when = say(start, zone)
    return f"Cancelled: {when}" if status == "cancelled" else when
