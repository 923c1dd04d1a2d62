"""Signing in, the page behind a mailed link, and one's own account. All of it works without JavaScript."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from pydantic import SecretStr
from starlette.responses import RedirectResponse

from core.accounts.address import confirm_change, look_at_change
from core.accounts.links import ask_to_register, look_at_link, use_link
from core.accounts.model import LONGEST_PASSWORD, AskForLink
from core.accounts.passwords import sign_in_by_password
from core.accounts.sessions import end_session, list_sessions, sign_out
from core.accounts.users import my_account
from core.errors import Code, SoonishError
from core.identities.providers import provider_of
from core.identities.signed import LABELS, Platform
from core.identities.unlink import list_identities
from core.pages import PageRequest
from core.times import distance
from core.tokens import read_link
from core.work import Actor
from web.api.accounts import this_browser
from web.api.parts import RowId
from web.pages.forms import beside, later, sign_in_first, status_of
from web.returning import way_back
from web.site import OWN, Site, SiteOf

router = APIRouter()

_LONGEST_ADDRESS = 400
_PRIVATE = {"Cache-Control": "no-store"}
_PREFETCH = ("sec-purpose", "purpose", "x-moz")


@router.get("/sign-in")
async def sign_in_page(
    site: SiteOf,
    next: str = "",  # noqa: A002 - what addresses call it
) -> Response:
    """`next`: where somebody goes on then; without it, wherever they were last sent here from."""
    answer = _form(site)
    if next:
        site.cookies.keep_back(answer, way_back(next))
    return answer


@router.post("/sign-in")
async def asked_for_a_link(
    request: Request,
    site: SiteOf,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    step: Annotated[str, Form()] = "",
) -> Response:
    """One form for old and new: the link in the mail makes the account if there is none. `step`: link, whatever stands
    in the field for the password; edit, the form again to correct the address; otherwise a password is tried where
    there is one."""
    typed = email.strip()[:_LONGEST_ADDRESS]
    if step == "edit":
        return _form(site, typed=typed)
    try:
        if password and step != "link":
            return await _by_password(request, site, typed, SecretStr(password[:LONGEST_PASSWORD]))
        browser = this_browser(site, request)
        await ask_to_register(site.core, await site.person(request), AskForLink(email=typed), browser)
    except SoonishError as refusal:
        wrong = beside(refusal, "email")
        if refusal.code is Code.UNAUTHENTICATED:  # which of the two is wrong is not said; the password is typed anew
            wrong = {"password": wrong[""]}
        return later(_form(site, status=status_of(refusal), wrong=wrong, typed=typed), refusal)
    answer = site.pages.page("asked.html", headers=_PRIVATE, typed=typed)
    site.cookies.keep_asked(answer, browser)
    return answer


async def _by_password(request: Request, site: Site, typed: str, password: SecretStr) -> Response:
    who, agent = await site.person(request), request.headers.get("user-agent", "")
    opened = await sign_in_by_password(site.core, site.passwords, who, typed, password.get_secret_value(), agent)
    return let_in(request, site, opened.token)


@router.get("/in/{link}")
async def link_page(request: Request, site: SiteOf, link: str) -> Response:
    """A page with a button; the browser that asked for a way in needs none. Whatever only looks changes nothing."""
    who, now = await site.person(request), site.core.clock.now()
    if read_link(site.core.keys, link, now).purpose == "change_email":
        moving = await site.core.ask(who, look_at_change, link)
        return site.pages.page("moving.html", about=moving, link=link, done=False)
    about = await site.core.ask(who, look_at_link, link, site.cookies.asked(request))
    if about.purpose == "sign_in" and about.asked_here and opened_by_a_person(request):
        return await _use(request, site, link)
    return site.pages.page("link.html", about=about, link=link)


@router.post("/in/{link}")
async def link_pressed(request: Request, site: SiteOf, link: str) -> Response:
    # Here already: what anybody can make up must not wait for the database's write lock.
    if read_link(site.core.keys, link, site.core.clock.now()).purpose == "change_email":
        moved = await site.core.act(await site.person(request), confirm_change, link)
        return site.pages.page("moving.html", about=moved, link=link, done=True)
    return await _use(request, site, link)


async def _use(request: Request, site: Site, link: str) -> Response:
    opened = await site.core.act(await site.person(request), use_link, link, request.headers.get("user-agent", ""))
    answer = let_in(request, site, opened.token)
    site.cookies.drop_asked(answer)
    return answer


def opened_by_a_person(request: Request) -> bool:
    """Not HEAD, not fetched ahead, not an image or a frame of some page."""
    if request.scope.get("head") or any(name in request.headers for name in _PREFETCH):
        return False
    return request.headers.get("sec-fetch-dest", "document") == "document"


def let_in(request: Request, site: Site, token: str) -> Response:
    """A session begins in this browser, where it was before somebody had to say who they are."""
    back = site.cookies.back(request)
    answer = RedirectResponse(way_back(back), 303, _PRIVATE)
    site.cookies.keep_session(answer, token)
    if back is not None:
        site.cookies.drop_back(answer)
    return answer


@router.get("/account")
async def account_page(request: Request, site: SiteOf) -> Response:
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    return await show_account(site, who)


async def show_account(
    site: Site,
    who: Actor,
    *,
    status: int = 200,
    wrong: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    said: str = "",
) -> Response:
    """One's own page; `wrong` and `typed` are a form as it was sent, `said` what has just been done."""
    me = await site.core.ask(who, my_account)
    sessions = (await site.core.ask(who, list_sessions, PageRequest(limit=100))).items
    now = site.core.clock.now()
    shown = [(each, distance(now, each.last_seen_at)) for each in sessions]
    identities = (await site.core.ask(who, list_identities)).items
    as_it_is = {"display_name": me.display_name, "timezone": me.timezone or ""}
    told: dict[str, Any] = {"wrong": wrong or {}, "typed": as_it_is | (typed or {}), "said": said}
    told |= {"signed_in": me.id, "operates": who.operates, "here": "account"}
    about = {"me": me, "sessions": shown, "identities": identities, "platforms": platforms(site), "labels": LABELS}
    return site.pages.page("account.html", status=status, headers=OWN, **about, **told)


@router.post("/account/sessions/{session_id}/end")
async def session_ended(request: Request, site: SiteOf, session_id: RowId) -> Response:
    await site.core.act(await site.person(request), end_session, session_id)
    return RedirectResponse("/account", 303)


@router.post("/sign-out")
async def signed_out(request: Request, site: SiteOf) -> Response:
    who = await site.person(request)
    if who.session_id is not None:
        await site.core.act(who, sign_out)
    answer = RedirectResponse("/sign-in", 303)
    site.cookies.drop_session(answer)
    return answer


def _form(site: Site, *, status: int = 200, **said: Any) -> Response:
    said = {"typed": "", "platforms": platforms(site), "labels": LABELS, **said}
    return site.pages.page("sign_in.html", status=status, headers=_PRIVATE, **said)


def platforms(site: Site) -> list[Platform]:
    """Where people may sign in with."""
    return [platform for platform in LABELS if provider_of(site.settings, platform) is not None]
