"""Whoever is signed in says once more who they are, by password, by a mailed link or in chat, and
goes on where they were."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from core.accounts.links import ask_to_prove
from core.accounts.model import LONGEST_PASSWORD
from core.accounts.passwords import confirm_password
from core.accounts.users import my_account
from core.errors import SoonishError
from core.identities.signed import LABELS
from core.identities.unlink import list_identities
from core.text import mask_address
from core.work import Actor
from web.api.accounts import this_browser
from web.pages.account import platforms
from web.pages.forms import beside, later, sign_in_first, status_of
from web.returning import way_back
from web.site import OWN, Site, SiteOf

router = APIRouter()


@router.get("/sign-in/again")
async def again_page(request: Request, site: SiteOf, next: str = "") -> Response:  # noqa: A002 - what addresses call it
    who = await site.person(request)
    if who.session_id is None:
        return sign_in_first(site, request, next)
    return await _form(site, who, way_back(next))


@router.post("/sign-in/again")
async def proved(
    request: Request,
    site: SiteOf,
    next: Annotated[str, Form()] = "",  # noqa: A002
    password: Annotated[str, Form()] = "",
) -> Response:
    who, back = await site.person(request), way_back(next)
    if who.session_id is None:
        return sign_in_first(site, request, next)
    try:
        if password:
            await confirm_password(site.core, site.passwords, who, password[:LONGEST_PASSWORD])
            return RedirectResponse(back, 303, OWN)
        return await _by_mail(request, site, who, back)
    except SoonishError as refusal:
        wrong = beside(refusal, "password")
        return later(await _form(site, who, back, status=status_of(refusal), wrong=wrong), refusal)


async def _by_mail(request: Request, site: Site, who: Actor, back: str) -> Response:
    browser = this_browser(site, request)
    await site.core.act(who, ask_to_prove, browser)
    me = await site.core.ask(who, my_account)
    answer = site.pages.page("asked.html", headers=OWN, typed=mask_address(me.email or ""), signed_in=me.id)
    site.cookies.keep_asked(answer, browser)
    site.cookies.keep_back(answer, back)
    return answer


async def _form(site: Site, who: Actor, back: str, *, status: int = 200, **said: Any) -> Response:
    me = await site.core.ask(who, my_account)
    mine = {each.platform for each in (await site.core.ask(who, list_identities)).items}
    ways = [platform for platform in platforms(site) if platform in mine]
    context = {"me": me, "back": back, "signed_in": me.id, "platforms": ways, "labels": LABELS, **said}
    answer = site.pages.page("again.html", status=status, headers=OWN, **context)
    if ways:
        site.cookies.keep_back(answer, back)  # they lead off this site
    return answer
