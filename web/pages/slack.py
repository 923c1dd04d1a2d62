"""“Add to Slack”: off to Slack's page, and back with the word that the app is in a workspace."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from core.chat.installing import SCOPES, come_back_installed, installer_of, lacking
from core.errors import not_found
from core.identities.providers import Provider, where_to_install
from core.tokens import OAuthState, browser_hash, oauth_state
from web.api.accounts import this_browser
from web.pages.account import opened_by_a_person
from web.site import OWN, Site, SiteOf

router = APIRouter()


@router.get("/slack/install")
async def installing(request: Request, site: SiteOf) -> Response:
    """Nothing is written here before somebody comes back."""
    provider, keys, browser = _installer(site), site.core.keys, this_browser(site, request)
    asked_at, bound = int(site.core.clock.now().timestamp()), browser_hash(keys, browser)
    assert bound is not None  # noqa: S101 - it is one of ours
    state = oauth_state(keys, OAuthState("slack", "install", asked_at, bound))
    where = where_to_install(provider, site.settings.slack_install_url, SCOPES, state)
    answer = RedirectResponse(where, 303, OWN)
    site.cookies.keep_asked(answer, browser)
    return answer


@router.get("/slack/install/callback")
async def back_from_slack(request: Request, site: SiteOf, state: str = "", code: str = "") -> Response:
    """The page after that says it, so that loading it again does nothing again."""
    provider = _installer(site)
    if not opened_by_a_person(request):
        return RedirectResponse("/", 303, OWN)
    done = await come_back_installed(
        site.core,
        site.outbound.workspaces,
        provider,
        await site.person(request),
        state=state,
        code=code,
        browser=site.cookies.asked(request),
    )
    missing = lacking(done.scopes)
    lacks = "?" + urlencode({"lacks": ",".join(missing)}) if missing else ""
    return RedirectResponse(f"/slack/installed{lacks}", 303, OWN)


@router.get("/slack/installed")
async def installed(site: SiteOf, lacks: str = "") -> Response:
    """`lacks`: scopes that were not granted. Anybody may write an address, so other words are not said."""
    _installer(site)
    return site.pages.page("slack_installed.html", lacks=sorted(SCOPES & set(lacks.split(","))))


def _installer(site: Site) -> Provider:
    found = installer_of(site.settings)
    if found is None:
        raise not_found("way to add it to Slack")
    return found
