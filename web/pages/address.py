"""Everything that an address without an account follows. The link in its mails is the permission: no cookie, and GET
only shows."""

from typing import get_args

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from core.ids import LARGEST_ID
from core.pages import PageRequest
from core.privacy.erase import erase_address
from core.privacy.export import export_address
from core.privacy.follows import Step, change_followed, end_all_followed, look_at_address, write_again
from core.privacy.log import address_log
from core.tokens import read_address
from web.api.accounts import download
from web.pages.erase import CONFIRM, UNCONFIRMED, confirmed
from web.pages.log import SHOWN, Cursor, show_log
from web.site import Site, SiteOf

router = APIRouter()

_STEPS: dict[str, Step] = {step: step for step in get_args(Step)}


@router.get("/s/{token}")
async def address_page(request: Request, site: SiteOf, token: str) -> Response:
    return await _page(request, site, token)


@router.get("/s/{token}/export")
async def exported_address(request: Request, site: SiteOf, token: str) -> Response:
    return download(await export_address(site.core, site.visitor(request), token), "soonish-address.json")


@router.get("/s/{token}/log")
async def log_of_address(request: Request, site: SiteOf, token: str, cursor: Cursor = None) -> Response:
    found = await site.core.ask(site.visitor(request), address_log, token, PageRequest(limit=SHOWN, cursor=cursor))
    return show_log(site, found, site.settings.default_timezone, f"/s/{token}")


@router.post("/s/{token}")
async def address_changed(request: Request, site: SiteOf, token: str) -> Response:
    """One button of the page: `step` and, but for all at once, `subscription`."""
    # Here already: what anybody can make up must not wait for the database's write lock.
    read_address(site.core.keys, token)
    form = await _form(request)
    visitor, step, number = site.visitor(request), form.get("step", ""), form.get("subscription", "")
    if step in _STEPS:
        if not (number.isascii() and number.isdecimal() and 0 < int(number[:20]) <= LARGEST_ID):
            raise HTTPException(404)
        await site.core.act(visitor, change_followed, token, int(number), _STEPS[step])
    elif step == "end_all":
        await site.core.act(visitor, end_all_followed, token)
    elif step == "write_again":
        await site.core.act(visitor, write_again, token)
    return RedirectResponse(f"/s/{token}", 303)


@router.post("/s/{token}/erase")
async def address_erased(request: Request, site: SiteOf, token: str) -> Response:
    read_address(site.core.keys, token)
    form = await _form(request)
    if not confirmed(form.get("confirm", "")):
        return await _page(request, site, token, wrong=UNCONFIRMED, status=422)
    never_again = bool(form.get("never_again"))
    await site.core.act(site.visitor(request), erase_address, token, never_again=never_again)
    return site.pages.page("erased.html", what="address", never_again=never_again)


async def _page(
    request: Request, site: Site, token: str, *, wrong: dict[str, str] | None = None, status: int = 200
) -> Response:
    about = await site.core.ask(site.visitor(request), look_at_address, token)
    return site.pages.page("address.html", status=status, about=about, token=token, wrong=wrong, word=CONFIRM)


async def _form(request: Request) -> dict[str, str]:
    """Empty when nobody can read it: then nothing is done."""
    try:
        form = await request.form()
    except HTTPException:
        return {}
    return {name: value for name, value in form.items() if isinstance(value, str)}
