"""A new event: typed with its time read along, looked at, and then created. Nothing is stored before the last press."""

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from core.accounts.model import AccountChange, AccountView
from core.accounts.users import my_account
from core.complaints import EMPTY
from core.errors import SoonishError
from core.events.model import NewEvent
from core.events.reminders import to_come
from core.events.typed import exactly, new_event, on_its_clock, read_end, read_start
from core.events.usecases import create_event
from core.times import one_evening, say_clock, say_exactly
from core.when import say
from core.work import Actor
from core.zones import zone
from web.pages.event import CREATED
from web.pages.forms import (
    complaints,
    later,
    locale_of,
    must_sign_in,
    new_key,
    read_form,
    sign_in_first,
    status_of,
)
from web.site import OWN, TYPED, Site, SiteOf

router = APIRouter()

FIELDS = ("name", "when", "duration", "where", "description", "contact", "timezone", "visibility")
ZONE_WAS = "zone_was"
"""Hidden beside them: the zone in which the form wrote its times."""
NAMES = {"start_date": "when", "end_date": "duration", "location": "where", "display_name": "host"}
"""What the fields of an event are called in its form."""
Text = Annotated[str, Query(max_length=300)]


@router.get("/new")
async def empty_form(request: Request, site: SiteOf) -> Response:
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    me = await site.core.ask(who, my_account)
    zone_name = me.timezone or site.settings.default_timezone
    typed = dict.fromkeys((*FIELDS, "host", ZONE_WAS), "") | {"timezone": zone_name, "visibility": "public"}
    return _form(site, who, me, typed, guess_zone=me.timezone is None)


@router.get("/new/reading")
async def reading(
    request: Request, site: SiteOf, when: Text = "", duration: Text = "", timezone: Text = "", zone_was: Text = ""
) -> Response:
    """How what is being typed is read, while it is typed."""
    (await site.person(request)).require_user()
    locale = locale_of(request)

    def read(now: dt.datetime) -> str:
        if not when.strip():
            return ""
        zone_name = zone(timezone).key
        starts, ends = (on_its_clock(text, {ZONE_WAS: zone_was}, zone_name) for text in (when, duration))
        start = read_start(starts, now, zone_name, locale)
        return say_both(start, read_end(ends, start, zone_name, locale), zone_name, now)

    return show_reading(site, read)


@router.post("/new")
async def sent_form(request: Request, site: SiteOf) -> Response:
    """`step`: look, then create; edit goes back to the form. Who says `host` is called that from then on."""
    sent, who = await read_form(request), await site.person(request)
    typed, me = sent.typed((*FIELDS, "host", ZONE_WAS)), await site.core.ask(who, my_account)
    try:
        if sent.step not in ("look", "create"):
            return _form(site, who, me, typed)
        new = new_event(typed, typed["timezone"], site.core.clock.now(), locale_of(request))
        asked = _is_of_address(me) and typed["host"].strip()
        called = AccountChange(display_name=typed["host"]) if asked else None
        if sent.step == "create":
            event = await site.core.act_once(sent.once(who, "create"), who, create_event, new, called)
            return RedirectResponse(f"/e/{event.id}?said={CREATED}", 303, OWN)
        return _preview(site, who, me, typed, new, sent.get("key") or new_key())
    except (SoonishError, ValidationError) as refusal:
        if must_sign_in(refusal):
            raise
        wrong = complaints(refusal, NAMES)
        if not typed["name"].strip():  # said at once with what is wrong about the time, which is read first
            wrong.setdefault("name", EMPTY)
        return later(_form(site, who, me, typed, status=status_of(refusal), wrong=wrong), refusal)


def _form(
    site: Site,
    who: Actor,
    me: AccountView,
    typed: dict[str, str],
    *,
    status: int = 200,
    wrong: dict[str, str] | None = None,
    guess_zone: bool = False,
) -> Response:
    about: dict[str, Any] = {
        "typed": typed,
        "wrong": wrong or {},
        "guess_zone": guess_zone,
        "unnamed": me.display_name if _is_of_address(me) else None,
        "key": new_key(),
        "ends": "duration",
        "reading": "/new/reading",
    }
    return site.show(who, "new.html", here="events", status=status, headers=TYPED, **about)


def _is_of_address(me: AccountView) -> bool:
    """Whether what others see of them is a part of their address, because they were never asked."""
    return me.email is not None and me.display_name == me.email.partition("@")[0]


def _preview(site: Site, who: Actor, me: AccountView, typed: dict[str, str], new: NewEvent, key: str) -> Response:
    """Its fields stand in the page, the time as it was read: an hour later it is still the same one."""
    start, zone_name, now = new.start_date, new.timezone or "UTC", site.core.clock.now()
    assert start is not None  # noqa: S101 - it is typed
    kept = {**typed, "when": exactly(start, zone_name), "timezone": zone_name, ZONE_WAS: zone_name}
    if new.end_date is not None:
        kept["duration"] = exactly(new.end_date, zone_name)
    about: dict[str, Any] = {
        "new": new,
        "when": say(start, now, zone_name),
        "until": say_exactly(new.end_date, zone_name) if new.end_date else None,
        "coming": to_come(start, now),
        "host": typed["host"].strip() or me.display_name,
        "kept": kept,
        "key": key,
    }
    return site.show(who, "new_look.html", here="events", headers=TYPED, **about)


def show_reading(site: Site, read: Callable[[dt.datetime], str]) -> Response:
    """What `read` makes of the fields, or why it can not."""
    try:
        said, good = read(site.core.clock.now()), True
    except SoonishError as refusal:
        said, good = " ".join(filter(None, (refusal.message, refusal.hint))), False
    return site.pages.page("_reading.html", headers=OWN, said=said, good=good)


def say_both(start: dt.datetime, end: dt.datetime | None, zone_name: str, now: dt.datetime) -> str:
    said = say(start, now, zone_name)
    if end is None:
        return said
    until = say_clock(end, zone_name) if one_evening(start, end) else say_exactly(end, zone_name)
    return f"{said} · until {until}"
