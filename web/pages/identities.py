"""Signing in with Discord or Slack, and joining such an identity to the account that is signed in here."""

import re
from typing import Literal

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from core.accounts.model import Opened
from core.errors import UnprovedError, not_found
from core.identities.linking import confirm_linking, look_at_linking
from core.identities.providers import Provider, provider_of, where_to_ask
from core.identities.sign_in import come_back
from core.identities.signed import Platform
from core.identities.unlink import unlink_identity
from core.tokens import OAuthState, browser_hash, oauth_state
from web.api.accounts import this_browser
from web.api.parts import RowId
from web.pages.account import let_in, opened_by_a_person
from web.pages.forms import sign_in_first
from web.returning import prove_first
from web.site import OWN, Site, SiteOf

router = APIRouter()

_TOKEN = re.compile(r"[\w-]{32}", re.ASCII)


@router.get("/sign-in/{platform}")
async def asked_at_platform(request: Request, site: SiteOf, platform: Platform) -> Response:
    """Off to the platform's own page. Nothing is written here before somebody comes back."""
    return _off(request, site, platform, "sign_in")


@router.get("/account/link/{platform}")
async def linked_at_platform(request: Request, site: SiteOf, platform: Platform) -> Response:
    """Prove there whose identity it is; the page after that asks whether it shall be joined."""
    if (await site.person(request)).user_id is None:
        return sign_in_first(site, request, "/account")
    return _off(request, site, platform, "link")


def _off(request: Request, site: Site, platform: Platform, purpose: Literal["sign_in", "link"]) -> Response:
    provider, keys, browser = _provider(site, platform), site.core.keys, this_browser(site, request)
    asked_at, bound = int(site.core.clock.now().timestamp()), browser_hash(keys, browser)
    assert bound is not None  # noqa: S101 - it is one of ours
    state = oauth_state(keys, OAuthState(platform, purpose, asked_at, bound))
    answer = RedirectResponse(where_to_ask(provider, keys, state), 303, OWN)
    site.cookies.keep_asked(answer, browser)
    return answer


@router.get("/sign-in/{platform}/callback")
async def back_from_platform(
    request: Request, site: SiteOf, platform: Platform, state: str = "", code: str = ""
) -> Response:
    """Back with the platform's word for it. A denial comes without a code."""
    provider = _provider(site, platform)
    if not opened_by_a_person(request):
        return RedirectResponse("/sign-in", 303, OWN)
    done = await come_back(
        site.core,
        provider,
        await site.person(request),
        state=state,
        code=code,
        browser=site.cookies.asked(request),
        agent=request.headers.get("user-agent", ""),
    )
    if isinstance(done, Opened):
        return let_in(request, site, done.token)
    return RedirectResponse(f"/link/{done.token}", 303, OWN)


@router.get("/link/{token}")
async def linking_page(request: Request, site: SiteOf, token: str) -> Response:
    """What pressing the button would do. Who is not signed in signs in first, and comes back."""
    who = await site.person(request)
    if who.user_id is None:
        return _sign_in_first(site, token)
    about = await site.core.ask(who, look_at_linking, token)
    return site.pages.page("linking.html", headers=OWN, about=about, token=token, signed_in=who.user_id)


@router.post("/link/{token}")
async def linking_confirmed(request: Request, site: SiteOf, token: str) -> Response:
    who = await site.person(request)
    # Here already: what anybody can make up must not wait for the database's write lock.
    await site.core.ask(who, look_at_linking, token)
    try:
        await site.core.act(who, confirm_linking, token)
    except UnprovedError:
        return RedirectResponse(prove_first(f"/link/{token}"), 303, OWN)
    return RedirectResponse("/account", 303, OWN)


@router.post("/account/identities/{identity_id}/unlink")
async def unlinked(request: Request, site: SiteOf, identity_id: RowId) -> Response:
    await site.core.act(await site.person(request), unlink_identity, identity_id)
    return RedirectResponse("/account", 303)


def _sign_in_first(site: Site, token: str) -> Response:
    answer = RedirectResponse("/sign-in", 303, OWN)
    if _TOKEN.fullmatch(token):
        site.cookies.keep_back(answer, f"/link/{token}")
    return answer


def _provider(site: Site, platform: Platform) -> Provider:
    found = provider_of(site.settings, platform)
    if found is None:
        raise not_found("way in")
    return found
