"""The page behind an invitation's link. Opening it does nothing. The button asks an address to confirm, or lets in the
one that the link was mailed to; then the page is where that one sees the event."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from core.accounts.users import my_account
from core.errors import Code, SoonishError
from core.invitations.accept import accept_by_email, accept_invitation, look_at_invitation
from core.subscriptions.model import CameIn, SubscribeByEmail
from web.pages.forms import NO_ADDRESS, beside, later, status_of
from web.pages.refused import refusal
from web.site import Site, SiteOf

router = APIRouter()

# The address is a secret. Other sites never see it; our own form needs its origin to be believed.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
_LONGEST_ADDRESS = 400


@router.get("/i/{token}")
async def invitation_page(request: Request, site: SiteOf, token: str) -> Response:
    try:
        return await _page(request, site, token)
    except SoonishError as error:
        return await _closed(request, site, error)


@router.post("/i/{token}")
async def accepted(
    request: Request,
    site: SiteOf,
    token: str,
    email: Annotated[str, Form()] = "",
    website: Annotated[str, Form()] = "",
) -> Response:
    visitor, typed = site.visitor(request), email.strip()[:_LONGEST_ADDRESS]
    try:
        # Here already: what anybody can make up must not wait for the database's write lock.
        await site.core.ask(visitor, look_at_invitation, token)
        wanted = SubscribeByEmail(email=typed, website=website[:_LONGEST_ADDRESS])
        done = await site.core.act(visitor, accept_by_email, token, wanted)
        if isinstance(done, CameIn):
            return RedirectResponse(f"/i/{token}", 303, _HEADERS)
        return await _page(request, site, token, sent=True, typed=typed)
    except ValidationError:
        return await _page(request, site, token, status=422, wrong={"email": NO_ADDRESS}, typed=typed)
    except SoonishError as error:
        if error.code is Code.NOT_FOUND:
            return await _closed(request, site, error)
        wrong = beside(error, "email")
        return later(await _page(request, site, token, status=status_of(error), wrong=wrong, typed=typed), error)


@router.post("/i/{token}/accept")
async def accepted_as_oneself(request: Request, site: SiteOf, token: str) -> Response:
    """With the account that is signed in here."""
    who = await site.person(request)
    try:
        # Here already: what anybody can make up must not wait for the database's write lock.
        about = await site.core.ask(who, look_at_invitation, token)
        event = await site.core.act(who, accept_invitation, token)
        return RedirectResponse(f"/e/{event.id}?said={about.purpose}", 303, _HEADERS)
    except SoonishError as error:
        if error.code is Code.UNAUTHENTICATED:
            return RedirectResponse(f"/i/{token}", 303, _HEADERS)
        if error.code is Code.NOT_FOUND:
            return await _closed(request, site, error)
        return await _page(request, site, token, status=status_of(error), wrong=beside(error))


async def _page(
    request: Request,
    site: Site,
    token: str,
    *,
    status: int = 200,
    wrong: dict[str, str] | None = None,
    typed: str = "",
    sent: bool = False,
) -> Response:
    who = await site.person(request)
    about = await site.core.ask(who, look_at_invitation, token)
    me = await site.core.ask(who, my_account) if who.user_id is not None else None
    answer = site.pages.page(
        "invitation.html",
        status=status,
        headers=dict(_HEADERS),
        about=about,
        token=token,
        me=me,
        signed_in=me.id if me else False,
        wrong=wrong,
        typed=typed,
        sent=sent,
    )
    if me is None and about.purpose != "follow":  # kept in this browser: no other address shows this secret one
        site.cookies.keep_back(answer, f"/i/{token}")
    return answer


async def _closed(request: Request, site: Site, error: SoonishError) -> Response:
    answer = refusal(site, request.scope, error, await site.person(request))
    answer.headers.update(_HEADERS)
    return answer
