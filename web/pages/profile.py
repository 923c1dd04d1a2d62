"""What somebody changes about their account: the name, the password, the address. Forms of the account's page."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import SecretStr, ValidationError
from starlette.responses import RedirectResponse

from core.accounts.address import ask_to_change
from core.accounts.model import AccountChange, AskForLink, PasswordChange
from core.accounts.passwords import set_password
from core.accounts.users import change_account
from core.complaints import complaint
from core.errors import SoonishError, UnprovedError
from core.work import Actor
from web.pages.account import show_account
from web.problems import STATUS
from web.site import Site, SiteOf

router = APIRouter(prefix="/account")

_LONGEST = 400


@router.post("/profile")
async def profile_changed(
    request: Request, site: SiteOf, display_name: Annotated[str, Form()] = "", timezone: Annotated[str, Form()] = ""
) -> Response:
    who = await site.person(request)
    who.require_user()
    try:
        wanted = AccountChange(display_name=display_name, timezone=timezone.strip()[:100] or None)
        await site.core.act(who, change_account, wanted)
    except (SoonishError, ValidationError) as refusal:
        return await _again(site, who, "profile", refusal)
    return await show_account(site, who, said="Saved.")


@router.post("/password")
async def password_changed(
    request: Request, site: SiteOf, password: Annotated[str, Form()] = "", current: Annotated[str, Form()] = ""
) -> Response:
    who = await site.person(request)
    if who.session_id is None:
        return RedirectResponse("/sign-in", 303)
    try:
        wanted = PasswordChange(password=SecretStr(password), current=SecretStr(current) if current else None)
        await set_password(site.core, site.passwords, who, wanted)
    except (SoonishError, ValidationError) as refusal:
        return await _again(site, who, "password", refusal)
    return await show_account(site, who, said="Your password is set, and every other browser is signed out.")


@router.post("/email")
async def email_asked(request: Request, site: SiteOf, email: Annotated[str, Form()] = "") -> Response:
    who, typed = await site.person(request), email.strip()[:_LONGEST]
    who.require_user()
    try:
        await ask_to_change(site.core, who, AskForLink(email=typed))
    except SoonishError as refusal:
        return await _again(site, who, "email", refusal, typed)
    return await show_account(site, who, said=f"Look for a mail at {typed}, and press the link in it.")


async def _again(
    site: Site, who: Actor, form: str, refusal: SoonishError | ValidationError, typed: str = ""
) -> Response:
    """The page once more, with what was wrong beside its form. Who must prove themselves is asked first."""
    if isinstance(refusal, UnprovedError):
        raise refusal
    if isinstance(refusal, ValidationError):
        return await show_account(site, who, status=422, wrong=form, error=complaint(refusal.errors()[0]), typed=typed)
    words = " ".join(filter(None, (refusal.message, refusal.hint)))
    answer = await show_account(site, who, status=STATUS[refusal.code], wrong=form, error=words, typed=typed)
    if refusal.retry_after is not None:
        answer.headers["Retry-After"] = str(refusal.retry_after)
    return answer
