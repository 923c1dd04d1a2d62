"""Who is invited to an event, and who organizes it: asked in, taken back, handed over."""

import datetime as dt
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from core.errors import SoonishError, invalid
from core.events.usecases import event_to_manage
from core.invitations.model import LINK_DAYS, LINK_USES, NewLink, NewMail, Offered, OneAddress
from core.invitations.offer import invite, invite_organizer, list_invitations, offer_event, revoke_invitation
from core.invitations.organizers import list_organizers, remove_organizer
from core.pages import PageRequest
from core.times import say
from core.work import Actor
from web.api.parts import EventId
from web.pages.forms import (
    KEY,
    Sent,
    complaints,
    later,
    must_sign_in,
    new_key,
    read_form,
    sign_in_first,
    status_of,
)
from web.site import OWN, Site, SiteOf

router = APIRouter(prefix="/e/{event_id}")

_FIELDS = ("days", "uses", "email", "organizer", "owner")
_ASKED = ("email", "organizer", "owner")
_STEPS = (*_ASKED, "revoke", "drop")
_DAYS, _USES = (1, LINK_DAYS), (1, LINK_USES)
_SAID = {
    "email": "We write to that address, unless it asked us not to.",
    "organizer": "We ask that address. Its account organizes with you once it accepts.",
    "owner": "We ask that address. The event is theirs once they accept; until then nothing changes.",
    "revoked": "Withdrawn. Anyone who joined only through it has lost access.",
    "dropped": "They no longer organize it.",
}


@router.get("/people")
async def people(request: Request, site: SiteOf, event_id: EventId, said: str = "") -> Response:
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    return await _page(site, who, event_id, said=_SAID.get(said, ""))


@router.post("/people")
async def changed(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """`step`: link, email, organizer, owner, revoke, drop."""
    sent, who = await read_form(request), await site.person(request)
    try:
        who.require_user()
        if sent.step == "link":
            made = await site.core.act(who, invite, event_id, _link(sent), form=sent.get(KEY) or None)
            return await _page(site, who, event_id, link=made.link or "")
        if sent.step not in _STEPS:
            return await _page(site, who, event_id, typed=sent.typed(_FIELDS))
        if sent.step in _ASKED:
            offered = await _offered(site, who, event_id, sent)
            if offered.mailed_before is not None:
                return await _page(site, who, event_id, mailed_before=(sent.step, offered.mailed_before))
        said = await _done(site, who, event_id, sent)
        return RedirectResponse(f"/e/{event_id}/people?said={said}", 303, OWN)
    except (SoonishError, ValidationError) as refusal:
        if must_sign_in(refusal):
            raise
        names = {"email": sent.step, "expires_in_days": "days", "max_uses": "uses"}
        wrong = complaints(refusal, names)
        about: dict[str, Any] = {"typed": sent.typed(_FIELDS), "wrong": wrong}
        return later(await _page(site, who, event_id, status=status_of(refusal), **about), refusal)


async def _offered(site: Site, who: Actor, event_id: str, sent: Sent) -> Offered:
    """A mail to one address, which is named in the field that is called as the step."""
    email = sent.get(sent.step)
    if sent.step == "organizer":
        return await site.core.act(who, invite_organizer, event_id, OneAddress(email=email))
    if sent.step == "owner":
        return await site.core.act(who, offer_event, event_id, OneAddress(email=email))
    return await site.core.act(who, invite, event_id, NewMail(kind="email", email=email))


async def _done(site: Site, who: Actor, event_id: str, sent: Sent) -> str:
    """What is then said."""
    number = next(iter(sent.numbers("number")), 0)
    if sent.step == "revoke":
        await site.core.act(who, revoke_invitation, event_id, number)
        return "revoked"
    if sent.step == "drop":
        await site.core.act(who, remove_organizer, event_id, number)
        return "dropped"
    return sent.step


def _link(sent: Sent) -> NewLink:
    days, uses = _number(sent, "days", _DAYS), _number(sent, "uses", _USES)
    return NewLink(kind="link", expires_in_days=30 if days is None else days, max_uses=uses)


def _number(sent: Sent, name: str, bounds: tuple[int, int]) -> int | None:
    text = sent.get(name).strip()
    if not text:
        return None
    least, most = bounds
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
        raise invalid(f"Must be a whole number from {least:,} to {most:,}.", field=name)
    return int(text)


def _again(step: str, at: dt.datetime, zone: str) -> str:
    when = say(at.replace(second=0, microsecond=0), zone)
    words = f"That address was asked already, on {when}. We mail it once a day at most, so nothing was sent now."
    if step == "email":
        return f"{words} If nothing arrived, let them look in spam, or make a link here and pass that on."
    return f"{words} If nothing arrived, let them look in spam."


async def _page(
    site: Site,
    who: Actor,
    event_id: str,
    *,
    status: int = 200,
    typed: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
    mailed_before: tuple[str, dt.datetime] | None = None,
    **told: str,
) -> Response:
    event = await site.core.ask(who, event_to_manage, event_id)
    organizers = (await site.core.ask(who, list_organizers, event_id)).items
    invitations = (await site.core.ask(who, list_invitations, event_id, PageRequest(limit=100))).items
    about: dict[str, Any] = {
        "event": event,
        "invitations": [
            (each, say(each.expires_at.replace(second=0, microsecond=0), event.timezone)) for each in invitations
        ],
        "organizers": organizers,
        "me": who.user_id,
        "owns": organizers[0].user_id == who.user_id,
        "typed": {"days": "30"} | (typed or {}),
        "wrong": wrong or {},
        "key": new_key(),
        "link": told.get("link", ""),
        "said": _again(*mailed_before, event.timezone) if mailed_before else told.get("said", ""),
    }
    return site.show(who, "people.html", here="events", status=status, **about)
