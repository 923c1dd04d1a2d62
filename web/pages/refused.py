"""What is shown where a page is refused."""

import contextlib
from urllib.parse import quote

from fastapi import Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import Scope

from core.errors import SoonishError
from core.work import Actor
from web import problems
from web.returning import page_above
from web.site import OWN, Site

_NOT_KEPT = {"Cache-Control": "no-store"}
_WAYS = {"page “Sign in”": ("/sign-in", "Sign in"), "your account's page": ("/account", "Your account")}
"""To the pages that hints name."""


async def refused(site: Site, request: Request, error: Exception) -> Response:
    """In the frame of whoever is signed in. An address that only takes forms, opened again from the history or a
    bookmark, leads to the page that its form is on."""
    if request.url.path.startswith("/api/"):
        return refusal(site, request.scope, error)
    if request.method == "GET" and isinstance(error, HTTPException) and error.status_code == 405:
        return RedirectResponse(page_above(request.scope), 303, OWN)
    return refusal(site, request.scope, error, await site.person(request))


async def turned_away(site: Site, scope: Scope, error: Exception) -> Response:
    """As `refused`, of what no route has seen. Of what broke nobody is asked who is there: that may break too."""
    if isinstance(error, (SoonishError, HTTPException)):
        with contextlib.suppress(SQLAlchemyError):
            return await refused(site, Request(scope), error)
    return refusal(site, scope, error)


def refusal(site: Site, scope: Scope, error: Exception, who: Actor | None = None) -> Response:
    """`who`: None where nobody has asked who is there."""
    said = problems.refusal_of(error, scope)
    if scope["path"].startswith("/api/"):
        body = said.problem(site.settings.public_base_url).model_dump_json()
        return Response(body, said.status, said.headers, problems.MEDIA_TYPE)
    ways = [way for named, way in _WAYS.items() if named in (said.hint or "")]
    if who is None:
        return site.pages.page("error.html", status=said.status, headers=said.headers, refusal=said, ways=ways)
    frame = {"signed_in": who.user_id is not None, "operates": who.operates, "way_in": _way_in(scope, who, said.status)}
    about = {"refusal": said, "ways": ways, **frame}
    return site.pages.page("error.html", status=said.status, headers=_NOT_KEPT | said.headers, **about)


def _way_in(scope: Scope, who: Actor, status: int) -> str:
    """Where a visitor may find what only guests see: said of every event that they do not, whether it exists or not."""
    if who.user_id is not None or status != 404 or not scope["path"].startswith("/e/"):
        return ""
    return f"/sign-in?next={quote(page_above(scope), safe='')}"
