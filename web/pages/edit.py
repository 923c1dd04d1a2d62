"""Changing an event: what would change and who would be told is shown before it is saved. Who typed while somebody
else saved keeps their words, and sees what the event says now."""

import datetime as dt
import hashlib
import json
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from core.errors import SoonishError
from core.events.changes import TOLD, change_event
from core.events.model import EventChange, EventView
from core.events.reminders import to_come
from core.events.typed import CHANGED_MEANWHILE, as_typed, change_of, clock_kept, exactly, say_changes
from core.events.usecases import event_to_manage
from core.times import say
from core.work import Actor
from core.zones import zone
from web.api.parts import EventId
from web.pages.create import NAMES, ZONE_WAS, Text, say_both, show_reading
from web.pages.forms import (
    Sent,
    complaints,
    later,
    locale_of,
    new_key,
    read_form,
    sign_in_first,
    status_of,
)
from web.site import OWN, TYPED, Site, SiteOf

router = APIRouter()

FIELDS = ("name", "when", "until", "where", "description", "contact", "timezone", "visibility")
_NAMES = {**NAMES, "end_date": "until"}


@router.get("/e/{event_id}/edit")
async def edit_form(request: Request, site: SiteOf, event_id: EventId) -> Response:
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    event = await site.core.ask(who, event_to_manage, event_id)
    return _form(site, who, event, as_typed(event))


@router.get("/e/{event_id}/edit/reading")
async def reading(
    request: Request,
    site: SiteOf,
    event_id: EventId,
    when: Text = "",
    until: Text = "",
    timezone: Text = "",
    zone_was: Text = "",
) -> Response:
    """How what is being typed over this event is read, while it is typed: an end that nobody touches moves along."""
    who = await site.person(request)
    who.require_user()
    event = await site.core.ask(who, event_to_manage, event_id)
    typed = {"when": when, "until": until, "timezone": timezone, ZONE_WAS: zone_was}
    shown = as_typed(event)

    def read(now: dt.datetime) -> str:
        if not when.strip():
            return ""
        change = change_of(event, typed, shown, now, locale_of(request))
        end = change.end_date if "end_date" in change.model_fields_set else event.end_date
        return say_both(change.start_date or event.start_date, end, change.timezone or event.timezone, now)

    return show_reading(site, read)


@router.post("/e/{event_id}/edit")
async def edited(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """`step`: look, then quiet or loud, which save; edit goes back to the form; moment or clock say which of the two
    stays in a new zone."""
    sent, who = await read_form(request), await site.person(request)
    event = await site.core.ask(who, event_to_manage, event_id)
    typed = sent.typed((*FIELDS, ZONE_WAS))
    try:
        return await _done(request, site, who, event, sent, typed)
    except (SoonishError, ValidationError) as refusal:
        wrong = complaints(refusal, _NAMES)
        return later(_form(site, who, event, typed, status=status_of(refusal), wrong=wrong), refusal)


async def _done(
    request: Request, site: Site, who: Actor, event: EventView, sent: Sent, typed: dict[str, str]
) -> Response:
    once = sent.once(who, f"edit:{event.id}")
    saves = sent.step in ("quiet", "loud")
    if saves and await site.core.answered(once, change_event) is not None:
        return RedirectResponse(f"/e/{event.id}/manage?said=saved", 303, OWN)
    if sent.get("revision") != str(event.revision):
        return _stale(site, who, event, typed, _was(sent))
    if sent.step not in ("look", "moment", "clock", "quiet", "loud"):
        return _form(site, who, event, typed)
    if sent.step == "moment":
        typed = typed | {"when": exactly(event.start_date, zone(typed["timezone"]).key)}
    elif sent.step == "clock":
        typed = typed | {"when": as_typed(event)["when"]}
    change = change_of(event, typed, as_typed(event), site.core.clock.now(), locale_of(request))
    fields = set(change.changes())
    if not fields:
        return _form(site, who, event, typed, wrong={"": "Nothing changed."})
    if not saves:
        return _look(site, who, event, change, typed, sent)
    told = bool(fields & TOLD) or sent.step == "loud"
    change = change.model_copy(update={"notify": told})
    await site.core.act_once(once, who, change_event, event.id, change)
    return RedirectResponse(f"/e/{event.id}/manage?said={'told' if told and event.subscribers else 'saved'}", 303, OWN)


def _look(site: Site, who: Actor, event: EventView, change: EventChange, typed: dict[str, str], sent: Sent) -> Response:
    zone_name = change.timezone or event.timezone
    kept = {**typed, "timezone": zone_name, ZONE_WAS: zone_name}
    if change.start_date is not None:
        kept["when"] = exactly(change.start_date, zone_name)
    if change.end_date is not None and typed["until"] != as_typed(event)["until"]:
        kept["until"] = exactly(change.end_date, zone_name)
    fields = set(change.changes())
    pairs = [*kept.items(), ("was", sent.get("was")), ("revision", str(event.revision))]
    about: dict[str, Any] = {
        "event": event,
        "lines": [*_times(event, change), *say_changes(change)],
        "told": bool(fields & TOLD),
        "moves": change.start_date is not None and bool(to_come(change.start_date, site.core.clock.now())),
        "clock_kept": clock_kept(event, change),
        "may_tell": bool(fields - {"is_public", "is_listed"}),
        "pairs": [*pairs, ("key", sent.get("key") or new_key())],
    }
    return site.show(who, "edit_look.html", here="events", headers=TYPED, **about)


def _times(event: EventView, change: EventChange) -> list[str]:
    """Each time in the zone in which it is meant."""
    found, zone_name, before = [], change.timezone or event.timezone, event.start_date
    if change.start_date is not None:
        found.append(f"Moved from {say(before, event.timezone)} to {say(change.start_date, zone_name)}.")
    kept = clock_kept(event, change)
    if kept is not None:
        stays, other = ("clock time", "moment") if kept else ("moment", "clock time")
        verb = "until now it started" if kept else "it starts"
        found.append(f"Its {stays} stays, the {other} does not: {verb} {say(before, zone_name)}.")
    if "end_date" in change.model_fields_set:
        end = change.end_date
        found.append(f"It ends {say(end, zone_name)}." if end is not None else "It no longer has an end.")
    return found


def _stale(site: Site, who: Actor, event: EventView, typed: dict[str, str], was: dict[str, str]) -> Response:
    """What they typed themselves, over the event as it is now; where both changed the same, what it says now."""
    now = as_typed(event)
    news = {name: typed[name] for name in now if _mark(typed[name]) != was.get(name, _mark(now[name]))}
    both = {name: now[name] for name in news if now[name] != news[name] and _mark(now[name]) != was.get(name)}
    return _form(site, who, event, typed | now | news, status=409, wrong={"": CHANGED_MEANWHILE}, says_now=both)


def _was(sent: Sent) -> dict[str, str]:
    """The marks of the event's fields as the form showed them."""
    try:
        found = json.loads(sent.get("was") or "{}")
    except ValueError:
        return {}
    return {name: str(text) for name, text in found.items() if name in FIELDS} if isinstance(found, dict) else {}


def _mark(text: str) -> str:
    """Tells one text from another without carrying it: a form need not send its long ones twice."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _form(
    site: Site,
    who: Actor,
    event: EventView,
    typed: dict[str, str],
    *,
    status: int = 200,
    wrong: dict[str, str] | None = None,
    says_now: dict[str, str] | None = None,
) -> Response:
    was = json.dumps({name: _mark(text) for name, text in as_typed(event).items()})
    about: dict[str, Any] = {
        "event": event,
        "typed": typed,
        "wrong": wrong or {},
        "says_now": says_now or {},
        "ends": "until",
        "reading": f"/e/{event.id}/edit/reading",
        "guess_zone": False,
        "pairs": [
            (ZONE_WAS, typed.get(ZONE_WAS) or event.timezone),
            ("was", was),
            ("revision", str(event.revision)),
            ("key", new_key()),
        ],
    }
    return site.show(who, "edit.html", here="events", status=status, headers=TYPED, **about)
