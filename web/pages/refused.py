"""What is shown where a page is refused."""

import contextlib
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import Scope

from core.errors import SoonishError
from core.work import Actor
from web import problems
from web.guard import BODY, replay
from web.pages.forms import KEY, Sent, read_form, wants_fragment
from web.returning import page_above
from web.site import OWN, Site

_PASSES = frozenset({429, 500, 503})
"""What is answered otherwise a little later."""
_PROGRAMS = ("/api/", "/slack/")
_NO_FORM = Sent(())
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
    who = await site.person(request)
    return refusal(site, request.scope, error, who, await _unserved(request.scope))


async def turned_away(site: Site, scope: Scope, error: Exception) -> Response:
    """As `refused`, of what no route has seen. Of what broke nobody is asked who is there: that may break too."""
    if isinstance(error, (SoonishError, HTTPException)):
        with contextlib.suppress(SQLAlchemyError):
            return await refused(site, Request(scope), error)
    return refusal(site, scope, error, sent=await _unserved(scope))


async def _unserved(scope: Scope) -> Sent:
    """The form that may have to be sent again. Not one that a script sent, whose page still has it, nor any with a
    password in it."""
    request = Request(scope)
    path = request.url.path
    if scope["method"] != "POST" or BODY not in scope or path.startswith(_PROGRAMS) or wants_fragment(request):
        return _NO_FORM
    sent = await read_form(Request(scope, replay(scope[BODY], request.receive)))
    return _NO_FORM if sent.secret else sent


def refusal(site: Site, scope: Scope, error: Exception, who: Actor | None = None, sent: Sent = _NO_FORM) -> Response:
    """`who`: None where nobody has asked who is there. `sent`: the form that it is about; its page holds what was typed
    where sending the same once more may do."""
    said = problems.refusal_of(error, scope)
    if scope["path"].startswith("/api/"):
        body = said.problem(site.settings.public_base_url).model_dump_json()
        return Response(body, said.status, said.headers, problems.MEDIA_TYPE)
    pairs = [*sent.said(), (KEY, sent.get(KEY))] if said.status in _PASSES and sent.said() else []
    ways = [way for named, way in _WAYS.items() if named in (said.hint or "")]
    about: dict[str, Any] = {"refusal": said, "ways": ways, "pairs": pairs, "step": sent.step, "back": scope["path"]}
    if who is None:
        headers = (_NOT_KEPT if pairs else {}) | said.headers
        return site.pages.page("error.html", status=said.status, headers=headers, **about)
    about |= site.frame(who) | {"way_in": _way_in(scope, who, said.status)}
    return site.pages.page("error.html", status=said.status, headers=_NOT_KEPT | said.headers, **about)


def _way_in(scope: Scope, who: Actor, status: int) -> str:
    """Where a visitor may find what only guests see: said of every event that they do not, whether it exists or not."""
    if who.user_id is not None or status != 404 or not scope["path"].startswith("/e/"):
        return ""
    return f"/sign-in?next={quote(page_above(scope), safe='')}"
