"""What somebody changes about their account: the name, the password, the address. Forms of the account's page."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import SecretStr, ValidationError

from core.accounts.address import ask_to_change
from core.accounts.model import AccountChange, AskForLink, PasswordChange
from core.accounts.passwords import set_password
from core.accounts.users import change_account
from core.errors import SoonishError
from core.work import Actor
from web.pages.account import show_account
from web.pages.forms import complaints, later, must_sign_in, status_of
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
        return await _again(site, who, refusal, {"display_name": display_name, "timezone": timezone})
    return await show_account(site, who, said="Saved.")


@router.post("/password")
async def password_changed(
    request: Request, site: SiteOf, password: Annotated[str, Form()] = "", current: Annotated[str, Form()] = ""
) -> Response:
    who = await site.person(request)
    who.require_user()
    try:
        wanted = PasswordChange(password=SecretStr(password), current=SecretStr(current) if current else None)
        await set_password(site.core, site.passwords, who, wanted)
    except (SoonishError, ValidationError) as refusal:
        return await _again(site, who, refusal, {"password": ""})
    return await show_account(site, who, said="Your password is set, and every other browser is signed out.")


@router.post("/email")
async def email_asked(request: Request, site: SiteOf, email: Annotated[str, Form()] = "") -> Response:
    who, typed = await site.person(request), email.strip()[:_LONGEST]
    who.require_user()
    try:
        await ask_to_change(site.core, who, AskForLink(email=typed))
    except SoonishError as refusal:
        return await _again(site, who, refusal, {"email": typed})
    return await show_account(site, who, said=f"Look for a mail at {typed}, and press the link in it.")


async def _again(site: Site, who: Actor, refusal: SoonishError | ValidationError, typed: dict[str, str]) -> Response:
    """The page once more, with what was typed and what is wrong beside its field; what is about none stands beside the
    form's first. Who must prove themselves is asked first."""
    if must_sign_in(refusal):
        raise refusal
    wrong = complaints(refusal, {"": next(iter(typed))})
    return later(await show_account(site, who, status=status_of(refusal), wrong=wrong, typed=typed), refusal)
