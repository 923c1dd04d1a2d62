"""One's own channels: added by a form for each kind of service and tested before they are saved, tried, renamed,
switched, removed. The address of a stored one is never shown again."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from core.accounts.sessions import require_sudo
from core.delivery.channels import FIELD
from core.errors import SoonishError, UnprovedError, not_found
from core.integrations.guided import GUIDES, address_of
from core.integrations.model import IntegrationChange, NewIntegration
from core.integrations.usecases import (
    add_integration,
    change_integration,
    list_integrations,
    remove_integration,
    try_integration,
)
from core.pages import PageRequest
from core.subscriptions.views import my_subscriptions
from core.work import Actor
from web.api.parts import RowId
from web.pages.forms import Sent, beside, complaints, later, must_sign_in, new_key, read_form, sign_in_first, status_of
from web.returning import prove_first
from web.site import OWN, Site, SiteOf

router = APIRouter(prefix="/channels")

_SAID = {
    "works": "It works: we have just sent a test through it.",
    "asked": "Saved. It stays off until you press the link we have just mailed to that address.",
    "on": "It is on. Messages that were on hold go out, unless they are no longer news.",
    "off": "It is off. Messages for it are on hold.",
    "renamed": "Renamed.",
    "removed": "Removed, and its address is forgotten. What it followed has ended.",
}
_STEPS = ("rename", "on", "off", "remove_yes")
_MANY = PageRequest(limit=100)
_NAMED = PageRequest(limit=20)


@router.get("")
async def channels(request: Request, site: SiteOf, said: str = "") -> Response:
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    return await _page(site, who, said=_SAID.get(said, ""))


@router.get("/add/{kind}")
async def empty_form(request: Request, site: SiteOf, kind: str) -> Response:
    """Who must prove who they are does so before they type."""
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    if kind not in GUIDES:
        raise HTTPException(404)
    try:
        await site.core.ask(who, require_sudo)
    except UnprovedError:
        return RedirectResponse(prove_first(f"/channels/add/{kind}"), 303, OWN)
    guide = GUIDES[kind]
    return _form(site, who, kind, {"name": guide.label} | {each.name: each.standard for each in guide.asked})


@router.post("/add/{kind}")
async def added(request: Request, site: SiteOf, kind: str) -> Response:
    sent, who = await read_form(request), await site.person(request)
    if kind not in GUIDES:
        raise HTTPException(404)
    asked = tuple(each.name for each in GUIDES[kind].asked)
    typed = sent.typed(("name", "tag", *asked))
    try:
        who.require_user()
        if sent.step != "add":
            return _form(site, who, kind, typed)
        new = NewIntegration(name=typed["name"], apprise_url=address_of(kind, typed), tag=typed["tag"].strip() or None)
        made = await add_integration(site.core, site.outbound, who, new, sent.once(who, f"channel:{kind}"))
        return RedirectResponse(f"/channels?said={'works' if made.confirmed else 'asked'}", 303, OWN)
    except (SoonishError, ValidationError) as refusal:
        if must_sign_in(refusal):
            raise
        wrong = complaints(refusal, {FIELD: asked[0]})
        return later(_form(site, who, kind, typed, status=status_of(refusal), wrong=wrong), refusal)


@router.post("/{channel_id}")
async def changed(request: Request, site: SiteOf, channel_id: RowId) -> Response:
    """`step`: test, rename, on, off, remove (asks), remove_yes."""
    sent, who = await read_form(request), await site.person(request)
    try:
        who.require_user()
        if sent.step == "test":
            tested = await try_integration(site.core, site.outbound, who, channel_id)
            if tested.delivered:
                return await _page(site, who, said=_SAID["works"])
            return await _page(site, who, at=channel_id, wrong={"": _failed(tested.reason)})
        if sent.step == "remove":
            return await _ask_to_remove(site, who, channel_id)
        if sent.step not in _STEPS:
            return await _page(site, who, at=channel_id, typed=sent.get("name"))
        said = await _done(site, who, channel_id, sent)
        return RedirectResponse(f"/channels?said={said}", 303, OWN)
    except (SoonishError, ValidationError) as refusal:
        if must_sign_in(refusal):
            raise
        typed = sent.get("name") if sent.step == "rename" else None
        wrong = {f"name-{channel_id}" if name else "": words for name, words in beside(refusal, "name").items()}
        return later(
            await _page(site, who, at=channel_id, wrong=wrong, status=status_of(refusal), typed=typed), refusal
        )


async def _done(site: Site, who: Actor, channel_id: int, sent: Sent) -> str:
    """What is then said."""
    if sent.step == "remove_yes":
        await site.core.act(who, remove_integration, channel_id)
        return "removed"
    if sent.step == "rename":
        await site.core.act(who, change_integration, channel_id, IntegrationChange(name=sent.get("name")))
        return "renamed"
    await site.core.act(who, change_integration, channel_id, IntegrationChange(is_active=sent.step == "on"))
    return sent.step


async def _ask_to_remove(site: Site, who: Actor, channel_id: int) -> Response:
    await site.core.ask(who, require_sudo)
    mine = {each.id: each for each in (await site.core.ask(who, list_integrations, _MANY)).items}
    if channel_id not in mine:
        raise not_found("channel")
    follows = await site.core.ask(who, my_subscriptions, _NAMED, through=channel_id, to_come=True)
    about: dict[str, Any] = {"channel": mine[channel_id], "follows": follows.items, "more": follows.next}
    return site.show(who, "channel_remove.html", here="channels", **about)


def _failed(reason: str | None) -> str:
    return f"The test did not arrive. {reason or 'No reason was given.'}"


async def _page(
    site: Site,
    who: Actor,
    *,
    said: str = "",
    at: int = 0,
    wrong: dict[str, str] | None = None,
    typed: str | None = None,
    status: int = 200,
) -> Response:
    """What is `wrong` stands beside the channel with the id `at`, or on top where that is gone; `typed` in the field
    for its name."""
    items = (await site.core.ask(who, list_integrations, _MANY)).items
    gone = all(each.id != at for each in items)
    if wrong and gone:
        wrong = {"": f"{' '.join(wrong.values())} Perhaps you removed it in another tab."}
    about: dict[str, Any] = {"channels": items, "guides": GUIDES, "said": said, "at": at, "wrong": wrong}
    about |= {"typed": typed, "gone": gone}
    return site.show(who, "channels.html", here="channels", status=status, **about)


def _form(
    site: Site, who: Actor, kind: str, typed: dict[str, str], *, status: int = 200, wrong: dict[str, str] | None = None
) -> Response:
    about: dict[str, Any] = {
        "kind": kind,
        "guide": GUIDES[kind],
        "typed": typed,
        "wrong": wrong or {},
        "key": new_key(),
    }
    return site.show(who, "channel_add.html", here="channels", status=status, **about)
