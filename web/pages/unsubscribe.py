"""Leaving by link. GET shows a page; POST acts, also when a mail program sends it (RFC 8058: no cookie, any origin)."""

from typing import Any, get_args

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from core.errors import Code, SoonishError
from core.subscriptions.leave import look_at_leaving, unsubscribe
from core.subscriptions.model import Leaving, Scope, Undone, Unsubscribed
from core.subscriptions.undo import undo_unsubscribe
from core.tokens import read_undo, read_unsubscribe
from core.work import Actor
from web.site import OWN, Site, SiteOf

router = APIRouter()

_SCOPES: dict[str, Scope] = {scope: scope for scope in get_args(Scope)}


@router.get("/u/{token}")
async def unsubscribe_page(request: Request, site: SiteOf, token: str) -> Response:
    about = await _about(site, site.visitor(request), token)
    scope = _SCOPES.get(request.query_params.get("scope", ""), "event")
    return site.pages.page("unsubscribe.html", about=about, token=token, scope=scope)


@router.post("/u/{token}")
async def unsubscribed(request: Request, site: SiteOf, token: str) -> Response:
    visitor, scope = site.visitor(request), await _scope(request)
    # Here already: what anybody can make up must not wait for the database's write lock.
    read_unsubscribe(site.core.keys, token)
    try:
        done = await site.core.act(visitor, unsubscribe, token, scope)
    except SoonishError as refusal:
        if refusal.code is not Code.NOT_FOUND:
            raise
        # The link is ours, but nothing is left that it could end.
        done = Unsubscribed(ended=0, undo=None)
    about = await _about(site, visitor, token)
    # A second press ends nothing, and must not take the way back away.
    undo = done.undo or (about.undo if about else None)
    return site.pages.page("unsubscribed.html", about=about, scope=scope, undo=undo)


@router.get("/u/{token}/undo")
async def undo_page(request: Request, site: SiteOf, token: str) -> Response:
    """For whoever comes back to the address of the button; it asks, as opening a page brings nothing back."""
    read_undo(site.core.keys, token, site.core.clock.now())
    return await _undo(request, site, token)


@router.post("/u/{token}/undo")
async def undone(request: Request, site: SiteOf, token: str) -> Response:
    read_undo(site.core.keys, token, site.core.clock.now())
    done = await site.core.act(site.visitor(request), undo_unsubscribe, token)
    return await _undo(request, site, token, done)


async def _undo(request: Request, site: Site, token: str, done: Undone | None = None) -> Response:
    """Who stopped something on their event's page goes on from here; to whom the link came by mail, it is all there
    is."""
    who = await site.person(request)
    about: dict[str, Any] = {"token": token, "done": done}
    about |= {"signed_in": who.user_id, "operates": who.operates}
    return site.pages.page("undone.html", headers=OWN, **about)


async def _about(site: Site, visitor: Actor, token: str) -> Leaving | None:
    """None when the link is ours but what it named has been erased."""
    read_unsubscribe(site.core.keys, token)
    try:
        return await site.core.ask(visitor, look_at_leaving, token)
    except SoonishError as refusal:
        if refusal.code is not Code.NOT_FOUND:
            raise
        return None


async def _scope(request: Request) -> Scope:
    """What the form chose. A mail program's body, or one that nobody can read, means this event."""
    try:
        form = await request.form()
    except HTTPException:
        return "event"
    return _SCOPES.get(str(form.get("scope", "")), "event")
