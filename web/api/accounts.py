"""Registering, signing in and out, and one's own account."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Body, Query, Request, Response
from starlette.responses import StreamingResponse

from core.accounts.address import ask_to_change
from core.accounts.links import ask_to_register, ask_to_sign_in
from core.accounts.model import (
    AccountChange,
    AccountView,
    AskForLink,
    CheckInbox,
    PasswordChange,
    Proof,
    SessionView,
    SignIn,
)
from core.accounts.passwords import confirm_password, set_password, sign_in_by_password
from core.accounts.sessions import end_session, list_sessions, sign_out
from core.accounts.users import change_account, my_account
from core.identities.model import Identities
from core.identities.unlink import list_identities, unlink_identity
from core.pages import Page
from core.privacy.erase import Erased, erase_account
from core.privacy.export import Export, export_account
from core.privacy.log import my_log
from core.privacy.log_words import LogEntry
from core.tokens import browser_hash, browser_token
from web.api.document import problems
from web.api.parts import ANYBODY, AtSite, Caller, Me, Paging, RowId, api_router
from web.site import Site, SiteOf

router = api_router("Account")

_ADDRESS = {"email": "you@example.org"}


def this_browser(site: Site, request: Request) -> str:
    """What the browser that asks for links keeps: the same while it has several under way."""
    kept = site.cookies.asked(request)
    return kept if kept and browser_hash(site.core.keys, kept) is not None else browser_token(site.core.keys)


@router.post(
    "/auth/register",
    status_code=202,
    summary="Register",
    responses=problems(401, 422, 429),
    openapi_extra=ANYBODY,
)
async def registered(
    request: Request,
    response: Response,
    site: SiteOf,
    who: Caller,
    body: Annotated[AskForLink, Body(examples=[_ADDRESS])],
) -> CheckInbox:
    """The same answer for every address. A new one is asked to confirm within seven days; one that has an account gets
    a link to sign in. Registering again mails again."""
    browser = this_browser(site, request)
    answer = await ask_to_register(site.core, who, body, browser)
    site.cookies.keep_asked(response, browser)
    return answer


@router.post(
    "/auth/login",
    response_model=None,  # which one it is follows from the status
    summary="Sign in",
    responses={
        202: {"model": CheckInbox, "description": "A link is mailed, if there is an account"},
        204: {"description": "Signed in; the cookie is set"},
        **problems(401, 422, 429),
    },
    status_code=202,
    openapi_extra=ANYBODY,
)
async def signed_in(
    request: Request,
    response: Response,
    site: SiteOf,
    who: Caller,
    body: Annotated[SignIn, Body(examples=[_ADDRESS])],
) -> CheckInbox | Response:
    """With an address alone a link is mailed; it works once, for fifteen minutes. With a password the cookie is set at
    once."""
    if body.password is None:
        browser = this_browser(site, request)
        answer = await ask_to_sign_in(site.core, who, body, browser)
        site.cookies.keep_asked(response, browser)
        return answer
    given, agent = body.password.get_secret_value(), request.headers.get("user-agent", "")
    opened = await sign_in_by_password(site.core, site.passwords, who, body.email, given, agent)
    done = Response(status_code=204)
    site.cookies.keep_session(done, opened.token)
    return done


@router.post("/auth/confirm", status_code=204, summary="Confirm who I am", responses=problems(401, 403, 409, 422, 429))
async def confirmed(
    site: SiteOf, me: AtSite, body: Annotated[Proof, Body(examples=[{"password": "correct horse"}])]
) -> None:
    """For a quarter of an hour this session may change channels, the password and the address, and erase. Whoever has
    no password signs in again by mail instead."""
    await confirm_password(site.core, site.passwords, me, body.password.get_secret_value())


@router.post("/auth/logout", status_code=204, summary="Sign out", responses=problems(401, 403), openapi_extra=ANYBODY)
async def signed_out(site: SiteOf, who: Caller, response: Response) -> None:
    """The session of the cookie is over. Without one there is nothing to do."""
    if who.session_id is not None:
        await site.core.act(who, sign_out)
    site.cookies.drop_session(response)


@router.get("/me", summary="My account", responses=problems(401, 404))
async def account(site: SiteOf, me: Me) -> AccountView:
    """Mine."""
    return await site.core.ask(me, my_account)


@router.patch("/me", summary="Change my name or time zone", responses=problems(401, 404, 422))
async def changed_account(
    site: SiteOf, me: Me, change: Annotated[AccountChange, Body(examples=[{"timezone": "Europe/Berlin"}])]
) -> AccountView:
    """The name is what organizers and guests see. The time zone is the one that messages say times in."""
    return await site.core.act(me, change_account, change)


@router.put("/me/email", status_code=202, summary="Use another address", responses=problems(401, 403, 422, 429))
async def email_asked(site: SiteOf, me: AtSite, body: Annotated[AskForLink, Body(examples=[_ADDRESS])]) -> CheckInbox:
    """The new address gets a link to press within a day, and the old one hears of it; nothing changes until then. The
    answer is the same for every address; one that another account has proved is never taken over."""
    return await ask_to_change(site.core, me, body)


@router.put("/me/password", status_code=204, summary="Set a password", responses=problems(401, 403, 409, 422, 429))
async def password_set(
    site: SiteOf,
    me: AtSite,
    body: Annotated[PasswordChange, Body(examples=[{"password": "correct horse battery staple"}])],
) -> None:
    """Needs the cookie of a session that began in the last quarter of an hour, or the current password. Every other
    session ends; API tokens are the operator's, and stay."""
    await set_password(site.core, site.passwords, me, body)


@router.get("/me/sessions", summary="Where I am signed in", responses=problems(401, 422))
async def sessions_of_mine(site: SiteOf, me: Me, page: Paging) -> Page[SessionView]:
    """Newest first."""
    return await site.core.ask(me, list_sessions, page)


@router.delete(
    "/me/sessions/{session_id}", status_code=204, summary="Sign out there", responses=problems(401, 403, 404)
)
async def ended_session(site: SiteOf, me: Me, session_id: RowId) -> None:
    """That browser is signed out from its next request on."""
    await site.core.act(me, end_session, session_id)


@router.get("/me/deliveries", summary="What was sent to me", responses=problems(401, 422))
async def deliveries_to_me(site: SiteOf, me: Me, page: Paging) -> Page[LogEntry]:
    """Newest first: when, what, by which channel, what became of it and why."""
    return await site.core.ask(me, my_log, page)


@router.get("/me/identities", summary="Where I am known in chat", responses=problems(401))
async def identities_of_mine(site: SiteOf, me: Me) -> Identities:
    """Oldest first. Each of them opens this account."""
    return await site.core.ask(me, list_identities)


@router.delete(
    "/me/identities/{identity_id}",
    status_code=204,
    summary="Unlink an identity",
    responses=problems(401, 403, 404, 409),
)
async def unlinked_identity(site: SiteOf, me: Me, identity_id: RowId) -> None:
    """Its direct messages end with it. Refused for the only way into the account, and (with a cookie) in a session that
    began more than a quarter of an hour ago."""
    await site.core.act(me, unlink_identity, identity_id)


@router.get(
    "/me/export",
    response_class=StreamingResponse,
    summary="Everything about my account",
    responses={200: {"model": Export, "description": "A JSON document, to be kept"}, **problems(401, 404)},
)
async def exported_account(site: SiteOf, me: Me) -> Response:
    """Account, channels (their addresses only where they are one's own e-mail), subscriptions, events, messages, what
    was sent, invitations, sessions, tokens, actions. No secret is in it."""
    return download(await export_account(site.core, me), "soonish-account.json")


@router.delete("/me", summary="Erase my account", responses=problems(401, 403, 404, 409, 422))
async def erased_account(
    site: SiteOf,
    me: Me,
    response: Response,
    never_again: Annotated[
        bool, Query(description="Also remember a keyed hash of my addresses, and never write to them again")
    ] = False,
) -> Erased:
    """At once and for good. Refused while events to come are owned. With the cookie: of a session that began in the
    last quarter of an hour."""
    done = await site.core.act(me, erase_account, never_again=never_again)
    site.cookies.drop_session(response)
    return done


def download(pieces: AsyncIterator[bytes], name: str) -> Response:
    """A JSON document that the browser saves."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, headers=headers, media_type="application/json")
