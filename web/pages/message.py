"""Writing to those who follow: composed, looked at channel by channel, sent once, and watched until nothing waits."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from core.errors import SoonishError, invalid, not_found
from core.events.usecases import event_to_manage
from core.notifications.audience import first_names, how_many
from core.notifications.model import NewMessage, ReportedOutcome
from core.notifications.plan import previews
from core.notifications.usecases import report, retry, send_message
from core.operations.pause import sending_state
from core.pages import PageRequest
from core.subscriptions.model import SubscriptionView
from core.subscriptions.views import subscriptions_to
from core.times import say
from core.work import Actor
from web.api.parts import EventId, RowId
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
    wants_fragment,
)
from web.pages.manage import show_manage
from web.site import OWN, TYPED, Site, SiteOf

router = APIRouter(prefix="/e/{event_id}")

_FIELDS = ("title", "body", "to", "q")
_SHOWN = 25
_WHO = {"chosen": "chosen", "found": "q", "missed": "missed"}
"""The fields that say whom, by what stands in `to`."""
_LOOKS = 120
"""Seconds; after that the page asks to be looked at again."""


@router.get("/message")
async def composer(event_id: EventId) -> Response:
    """For whoever opens the form's address again from the history."""
    return RedirectResponse(f"/e/{event_id}/manage", 303)


@router.post("/message")
async def composed(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """`step`: look, then send; me sends to oneself alone, edit goes back to the composer."""
    sent, who = await read_form(request), await site.person(request)
    about: dict[str, Any] = {"typed": sent.typed(_FIELDS), "chosen": sent.numbers("chosen")}
    try:
        who.require_user()
        if sent.step in ("look", "send", "me"):
            return await _done(site, who, event_id, sent)
        return await show_manage(site, who, event_id, **about)
    except (SoonishError, ValidationError) as refusal:
        if must_sign_in(refusal):
            raise
        about["wrong"] = complaints(refusal, {"subscription_ids": "to", "matching": "to", "missed": "to"})
        return later(await show_manage(site, who, event_id, status=status_of(refusal), **about), refusal)


async def _done(site: Site, who: Actor, event_id: str, sent: Sent) -> Response:
    message = NewMessage(title=sent.get("title"), body=sent.get("body"), **_audience(sent))
    if sent.step == "send":
        accepted = await site.core.act_once(sent.once(who, f"message:{event_id}"), who, send_message, event_id, message)
        return RedirectResponse(f"/e/{event_id}/messages/{accepted.id}", 303, OWN)
    said = await _to_me(site, who, event_id, sent, message) if sent.step == "me" else ""
    return await _look(site, who, event_id, sent, message, said)


def _audience(sent: Sent) -> dict[str, Any]:
    """Who gets it, as a message names them."""
    to = sent.get("to")
    if to == "found":
        return {"matching": sent.get("q")}
    if to == "missed":
        if not (missed := sent.numbers("missed")):
            raise invalid("Everyone has got the last one by now.", field="to", hint="Choose again who gets it.")
        return {"missed": missed[0]}
    if to == "chosen":
        if not (chosen := sent.numbers("chosen")):
            raise invalid("Nobody is chosen.", field="to", hint="Choose people in the list, or write to everyone.")
        return {"subscription_ids": chosen}
    return {}


async def _to_me(site: Site, who: Actor, event_id: str, sent: Sent, message: NewMessage) -> str:
    """To one's own subscription, so that it looks as it will for everybody."""
    mine = await _mine(site, who, event_id)
    if not mine:  # stopped since the preview
        return "You do not follow it yourself, so there is nowhere to send it."
    alone = NewMessage(title=message.title, body=message.body, subscription_ids=[mine[0].id])
    await site.core.act_once(sent.once(who, f"message-me:{event_id}"), who, send_message, event_id, alone)
    return f"Sent to you alone, by {mine[0].label}."


async def _mine(site: Site, who: Actor, event_id: str) -> list[SubscriptionView]:
    """What one follows the event by oneself."""
    return [each for each in await site.core.ask(who, subscriptions_to, event_id) if each.state == "active"]


async def _look(site: Site, who: Actor, event_id: str, sent: Sent, message: NewMessage, said: str) -> Response:
    event = await site.core.ask(who, event_to_manage, event_id)
    shown = await site.core.ask(who, previews, event_id, message)
    if not shown:
        words = "Nobody follows this yet, so nobody would get it."
        raise invalid(words if message.to_everyone else "None of them gets messages now.", field="to")
    kept = [pair for pair in sent.said() if pair[0] in _FIELDS or pair[0] == _WHO.get(sent.get("to"))]
    about: dict[str, Any] = {
        "event": event,
        "previews": shown,
        "everyone": message.to_everyone,
        "people": [] if message.to_everyone else await site.core.ask(who, first_names, event_id, message),
        "number": await site.core.ask(who, how_many, event_id, message),
        "pairs": [*kept, (KEY, sent.get(KEY) or new_key())],
        "said": said,
        "me_too": bool(await _mine(site, who, event_id)),
    }
    return site.show(who, "message_look.html", here="events", headers=TYPED, **about)


@router.get("/messages/{message_id}")
async def message_report(
    request: Request,
    site: SiteOf,
    event_id: EventId,
    message_id: RowId,
    look: Annotated[int, Query(ge=0, le=_LOOKS)] = 0,
    cursor: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """`look`: how often the page has asked by itself how far it is."""
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request, into="#far")
    event = await site.core.ask(who, event_to_manage, event_id)
    found = await site.core.ask(who, report, message_id, PageRequest(limit=_SHOWN, cursor=cursor), outcome="failed")
    if found.event_id != event_id:
        raise not_found("message")
    about: dict[str, Any] = {
        "event": event,
        "report": found,
        "all": found.delivered + found.failed + found.waiting + found.skipped,
        "when": say(found.created_at.replace(second=0, microsecond=0), event.timezone),
        "waiting": await _few(site, who, message_id, "waiting"),
        "skipped": await _few(site, who, message_id, "skipped"),
        "paused": (await site.core.ask(who, sending_state)).paused,
        "late": await site.sending() == "late",
        "look": look,
        "looks_on": bool(found.waiting) and look < _LOOKS,
        "key": new_key(),
    }
    name = "_report.html" if wants_fragment(request) else "report_message.html"
    return site.show(who, name, here="events", **about)


async def _few(site: Site, who: Actor, message_id: int, outcome: ReportedOutcome) -> list[Any]:
    return (await site.core.ask(who, report, message_id, PageRequest(limit=5), outcome=outcome)).results


@router.post("/messages/{message_id}/retry")
async def retried(request: Request, site: SiteOf, event_id: EventId, message_id: RowId) -> Response:
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request, f"/e/{event_id}/messages/{message_id}")
    await site.core.act(who, retry, message_id)
    return RedirectResponse(f"/e/{event_id}/messages/{message_id}", 303, OWN)
