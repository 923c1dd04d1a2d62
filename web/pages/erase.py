"""The page on which somebody erases their account: what goes, what stays, and a word to type."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from core.accounts.users import my_account
from core.errors import Code, SoonishError
from core.privacy.erase import erase_account
from core.work import Actor
from web.pages.forms import beside, sign_in_first, status_of
from web.site import OWN, Site, SiteOf

router = APIRouter()

CONFIRM = "erase"
UNCONFIRMED = {"confirm": f"Type {CONFIRM} to say that you mean it."}


def confirmed(typed: str) -> bool:
    return typed.strip().casefold() == CONFIRM


@router.get("/account/erase")
async def erase_page(request: Request, site: SiteOf) -> Response:
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    return await _form(site, who)


@router.post("/account/erase")
async def account_erased(
    request: Request,
    site: SiteOf,
    confirm: Annotated[str, Form()] = "",
    never_again: Annotated[str, Form()] = "",
) -> Response:
    who = await site.person(request)
    who.require_user()
    if not confirmed(confirm):
        return await _form(site, who, status=422, wrong=UNCONFIRMED)
    try:
        await site.core.act(who, erase_account, never_again=bool(never_again))
    except SoonishError as refusal:
        if refusal.code is not Code.CONFLICT:
            raise
        return await _form(site, who, status=status_of(refusal), wrong=beside(refusal))
    answer = site.pages.page("erased.html", headers=OWN, what="account", never_again=bool(never_again))
    site.cookies.drop_session(answer)
    return answer


async def _form(site: Site, who: Actor, *, status: int = 200, wrong: dict[str, str] | None = None) -> Response:
    me = await site.core.ask(who, my_account)
    return site.pages.page("erase.html", status=status, headers=OWN, me=me, wrong=wrong, word=CONFIRM, signed_in=me.id)
