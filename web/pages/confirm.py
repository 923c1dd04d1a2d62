"""The page behind the link in a confirmation mail. Opening it does nothing: mail scanners open links."""

from fastapi import APIRouter, Request, Response

from core.errors import Code, SoonishError
from core.subscriptions.confirm import confirm, look_at_confirm
from core.tokens import read_confirm
from web.site import SiteOf

router = APIRouter()


@router.get("/c/{token}")
async def confirm_page(request: Request, site: SiteOf, token: str) -> Response:
    about = await site.core.ask(site.visitor(request), look_at_confirm, token)
    return site.pages.page("confirm.html", about=about, token=token, refusal=None)


@router.post("/c/{token}")
async def confirmed(request: Request, site: SiteOf, token: str) -> Response:
    visitor = site.visitor(request)
    # Here already: what anybody can make up must not wait for the database's write lock.
    read_confirm(site.core.keys, token, site.core.clock.now())
    try:
        about = await site.core.act(visitor, confirm, token)
    except SoonishError as refusal:
        if refusal.code is not Code.CONFLICT:
            raise
        about = await site.core.ask(visitor, look_at_confirm, token)
        return site.pages.page("confirm.html", status=409, about=about, token=token, refusal=refusal.message)
    return site.pages.page("confirm.html", about=about, token=token, refusal=None)
