"""The pages without a story, and the static files."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from core.events.usecases import coming_events
from core.settings import Settings
from core.times import say
from web.site import OWN, Site, SiteOf

router = APIRouter()

_COMING = 12
"""Events on the landing page, where they are listed."""
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_DAY = "public, max-age=86400"
_LOOK_AGAIN = "public, no-cache"


@router.get("/")
async def landing(request: Request, site: SiteOf) -> Response:
    found = await site.core.ask(site.visitor(request), coming_events, _COMING)
    coming = [
        {"id": each.id, "name": each.name, "when": say(each.start_date, each.timezone), "location": each.location}
        for each in found
    ]
    settings = site.settings
    chats = {
        "discord": _discord(settings),
        "add_to_slack": "/slack/install" if settings.slack_installs else None,
        "slack": settings.slack_installs or settings.slack_bot_token is not None,
    }
    return await _page(request, site, "landing.html", coming=coming, **chats)


def _discord(settings: Settings) -> str | None:
    """Where the bot is added; what it may do there is said by its own settings on the platform."""
    if settings.discord_bot_token is None or settings.discord_client_id is None:
        return None
    return f"{settings.discord_authorize_url}?{urlencode({'client_id': settings.discord_client_id})}"


@router.get("/privacy")
async def privacy(request: Request, site: SiteOf) -> Response:
    settings = site.settings
    keep = {
        "deliveries": max(settings.retention_deliveries_days, settings.retention_subscriptions_days),
        "audit": settings.retention_audit_days,
        "invitations": settings.retention_invitations_days,
    }
    return await _page(request, site, "privacy.html", keep=keep)


async def _page(request: Request, site: Site, name: str, **context: Any) -> Response:
    who = await site.person(request)
    context |= site.frame(who)
    return site.pages.page(name, headers=OWN if context["signed_in"] else {"Vary": "Cookie"}, **context)


@router.get("/favicon.ico")
async def icon(site: SiteOf) -> Response:
    """For whoever asks for it without looking at a page first."""
    return RedirectResponse(site.pages.static("icon.svg"), 307, {"Cache-Control": _FOR_A_DAY})


@router.get("/static/{name}")
async def static(request: Request, site: SiteOf, name: str, v: str = "") -> Response:
    """Under the address of its current content a file may be kept for ever."""
    asset = site.pages.assets.get(name)
    if asset is None:
        raise HTTPException(404)
    headers = {
        "ETag": f'W/"{asset.version}"',
        "Cache-Control": _FOR_EVER if v == asset.version else _LOOK_AGAIN,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.gzipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.media_type)
    return Response(asset.body, headers=headers, media_type=asset.media_type)
