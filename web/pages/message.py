"""Writing to those who follow: composed, looked at channel by channel, sent once, and watched until nothing waits."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from core.errors import SoonishError, invalid, not_found
from core.events.usecases import event_to_manage
from core.notifications.model import NewMessage, ReportedOutcome
from core.notifications.plan import previews, who_missed
from core.notifications.usecases import report, retry, send_message
from core.pages import PageRequest
from core.subscriptions.views import audience, chosen_subscriptions, subscriptions_to
from core.times import say_exactly
from core.work import Actor
from web.api.parts import EventId, RowId
from web.pages.forms import Sent, complaints, hold, later, must_sign_in, new_key, read_form, sign_in_first, status_of
from web.pages.manage import show_manage
from web.site import OWN, Site, SiteOf

router = APIRouter(prefix="/e/{event_id}")

_FIELDS = ("title", "body", "to")
_SHOWN = 25
_CHOSEN_AT_MOST = 1_500
"""As many as fit into a form of 64 KiB beside the longest message."""
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
    chosen = sent.numbers("chosen")
    try:
        who.require_user()
        if sent.step in ("look", "send", "me"):
            return await _done(site, who, event_id, sent, chosen)
        return await show_manage(site, who, event_id, typed=sent.typed(_FIELDS), chosen=chosen)
    except (SoonishError, ValidationError) as refusal:
        if must_sign_in(refusal):
            return hold(site, request, sent, refusal)
        about: dict[str, Any] = {"typed": sent.typed(_FIELDS), "chosen": chosen, "wrong": complaints(refusal, {})}
        return later(await show_manage(site, who, event_id, status=status_of(refusal), **about), refusal)


async def _done(site: Site, who: Actor, event_id: str, sent: Sent, chosen: list[int]) -> Response:
    if sent.get("to") == "missed":
        chosen = await site.core.ask(who, who_missed, event_id)
    everyone = sent.get("to") not in ("missed", "chosen")
    if len(chosen) > _CHOSEN_AT_MOST:
        hint = "Try them again in its report instead, or write to everyone."
        raise invalid(f"Those are more than {_CHOSEN_AT_MOST} people.", field="to", hint=hint)
    if not everyone and not chosen:
        raise invalid("Nobody is chosen.", field="to", hint="Choose people in the list, or write to everyone.")
    message = NewMessage(title=sent.get("title"), body=sent.get("body"), subscription_ids=None if everyone else chosen)
    if sent.step == "send":
        accepted = await site.core.act_once(sent.once(who, f"message:{event_id}"), who, send_message, event_id, message)
        return RedirectResponse(f"/e/{event_id}/messages/{accepted.id}", 303, OWN)
    said = await _to_me(site, who, event_id, sent, message) if sent.step == "me" else ""
    return await _look(site, who, event_id, sent, message, said)


async def _to_me(site: Site, who: Actor, event_id: str, sent: Sent, message: NewMessage) -> str:
    """To one's own subscription, so that it looks as it will for everybody."""
    mine = [each for each in await site.core.ask(who, subscriptions_to, event_id) if each.state == "active"]
    if not mine:
        return "You do not follow it yourself, so there is nowhere to send it."
    alone = message.model_copy(update={"subscription_ids": [mine[0].id]})
    await site.core.act_once(sent.once(who, f"message-me:{event_id}"), who, send_message, event_id, alone)
    return f"Sent to you alone, by {mine[0].label}."


async def _look(site: Site, who: Actor, event_id: str, sent: Sent, message: NewMessage, said: str) -> Response:
    event = await site.core.ask(who, event_to_manage, event_id)
    kinds = await site.core.ask(who, audience, event_id)
    people = list[str]()
    number = sum(kinds.values())
    if message.subscription_ids is not None:
        found = await site.core.ask(who, chosen_subscriptions, event_id, message.subscription_ids)
        people, number = [each.label for each in found], len(found)
    if not number:
        raise invalid("Nobody follows this yet, so nobody would get it.")
    pairs = [("title", sent.get("title")), ("body", sent.get("body"))]
    pairs.append(("to", "everyone" if message.subscription_ids is None else "chosen"))
    pairs += [("chosen", str(each)) for each in message.subscription_ids or []]
    about: dict[str, Any] = {
        "event": event,
        "previews": await site.core.ask(who, previews, event_id, message),
        "everyone": message.subscription_ids is None,
        "people": people,
        "number": number,
        "pairs": [*pairs, ("key", sent.get("key") or new_key())],
        "said": said,
    }
    return site.show(who, "message_look.html", here="events", **about)


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
        return sign_in_first(site, request)
    event = await site.core.ask(who, event_to_manage, event_id)
    found = await site.core.ask(who, report, message_id, PageRequest(limit=_SHOWN, cursor=cursor), outcome="failed")
    if found.event_id != event_id:
        raise not_found("message")
    about: dict[str, Any] = {
        "event": event,
        "report": found,
        "all": found.delivered + found.failed + found.waiting + found.skipped,
        "when": say_exactly(found.created_at.replace(second=0, microsecond=0), event.timezone),
        "waiting": await _few(site, who, message_id, "waiting"),
        "skipped": await _few(site, who, message_id, "skipped"),
        "look": look,
        "looks_on": bool(found.waiting) and look < _LOOKS,
        "key": new_key(),
    }
    name = "_report.html" if request.headers.get("hx-request") == "true" else "report_message.html"
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
