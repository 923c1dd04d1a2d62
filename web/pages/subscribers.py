"""Who follows an event: found, removed, let back, written to, and taken along as a table."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from core.events.usecases import event_to_manage
from core.pages import PageRequest
from core.subscriptions.leave import (
    all_found,
    in_steps,
    let_back_found,
    let_back_subscribers,
    remove_found,
    remove_subscribers,
)
from core.subscriptions.model import SubscriptionView
from core.subscriptions.views import chosen_subscriptions, count_subscriptions, event_subscriptions, last_outcomes
from core.work import Actor
from web.api.parts import EventId
from web.pages.forms import Sent, read_form, sign_in_first
from web.pages.manage import LONGEST_SEARCH, show_manage
from web.site import OWN, Site, SiteOf

router = APIRouter(prefix="/e/{event_id}")

_SHOWN = 50
_NAMED = 20
_ALL = "all_"
_SAID = {
    "removed": "Removed. We don't write to them about it.",
    "gone": "None of them follows it now, so nobody was removed.",
    "in": "None of them is removed now.",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a calculation."""
_Cursor = Annotated[str | None, Query(max_length=40)]


@router.get("/subscribers")
async def subscribers(
    request: Request,
    site: SiteOf,
    event_id: EventId,
    q: str = "",
    which: str = "",
    cursor: _Cursor = None,
    said: str = "",
    number: int = 0,
) -> Response:
    """`q`: only those with this text in their name or kind of channel. `which`: removed, instead of who follows.
    `said`: what was done to how many before."""
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    removed = which == "removed"
    return await _page(site, who, event_id, q=_searched(q), removed=removed, cursor=cursor, said=_said(said, number))


def _searched(q: str) -> str:
    """As much as the field takes; the page shows what was looked for."""
    return q.strip()[:LONGEST_SEARCH]


@router.post("/subscribers")
async def changed(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """`step`: write, remove (asks), remove_yes, let_back; for those whose boxes are ticked. With `all_` before it, for
    all whom `q` finds, on whichever page."""
    sent, who = await read_form(request), await site.person(request)
    who.require_user()
    return await (_all if sent.step.startswith(_ALL) else _ticked)(site, who, event_id, sent)


async def _ticked(site: Site, who: Actor, event_id: str, sent: Sent) -> Response:
    chosen, step = sent.numbers("chosen"), sent.step
    shown: dict[str, Any] = {"q": _searched(sent.get("q")), "removed": sent.get("which") == "removed"}
    if not chosen:
        return await _page(site, who, event_id, wrong={"chosen": "Tick somebody first."}, status=422, **shown)
    if step == "write":
        return await show_manage(site, who, event_id, chosen=chosen)
    if step == "remove":
        people = await site.core.ask(who, chosen_subscriptions, event_id, chosen)
        if not people:
            return _back(event_id, "gone")
        pairs = [("chosen", str(each.id)) for each in people]
        return await _asked(site, who, event_id, people[:_NAMED], len(people), pairs, "remove_yes")
    if step == "remove_yes":
        done = await in_steps(site.core, who, remove_subscribers, event_id, chosen)
        return _back(event_id, "removed" if done else "gone")
    if step == "let_back":
        return _let_back(event_id, await in_steps(site.core, who, let_back_subscribers, event_id, chosen))
    return await _page(site, who, event_id, chosen=chosen, **shown)


async def _all(site: Site, who: Actor, event_id: str, sent: Sent) -> Response:
    """Those who came after the page was shown are not meant by it."""
    removed = sent.get("which") == "removed"
    if len(sent.get("q")) > LONGEST_SEARCH:  # cut, it would find others than were meant
        said, shown = f"Search for {LONGEST_SEARCH} letters at most.", _searched(sent.get("q"))
        return await _page(site, who, event_id, q=shown, removed=removed, said=said, status=422)
    q, step, newest = sent.get("q"), sent.step.removeprefix(_ALL), next(iter(sent.numbers("newest")), 0)
    if step == "write":
        return await show_manage(site, who, event_id, typed={"to": "found", "q": q})
    if step == "remove":
        first = await site.core.ask(who, event_subscriptions, event_id, PageRequest(limit=_NAMED), matching=q)
        found = await site.core.ask(who, count_subscriptions, event_id, matching=q)
        if not found.number:
            return _back(event_id, "gone")
        pairs = [("q", q), ("newest", str(found.newest))]
        return await _asked(site, who, event_id, first.items, found.number, pairs, f"{_ALL}remove_yes")
    if step == "remove_yes":
        done = await all_found(site.core, who, remove_found, event_id, q, newest)
        return _back(event_id, "removed" if done else "gone")
    if step == "let_back":
        return _let_back(event_id, await all_found(site.core, who, let_back_found, event_id, q, newest))
    return await _page(site, who, event_id, q=q, removed=removed)


def _let_back(event_id: str, number: int) -> Response:
    return _back(event_id, f"back&number={number}" if number else "in", "which=removed&")


def _back(event_id: str, said: str, which: str = "") -> Response:
    return RedirectResponse(f"/e/{event_id}/subscribers?{which}said={said}", 303, OWN)


def _said(what: str, number: int) -> str:
    return f"{number} may subscribe again." if what == "back" and number > 0 else _SAID.get(what, "")


@router.get("/subscribers.csv")
async def table(request: Request, site: SiteOf, event_id: EventId, q: str = "") -> Response:
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(("who", "channel", "state", "since"))
    async for each in _everybody(site, who, event_id, _searched(q)):
        rows.writerow((_harmless(each.label), each.kind, each.state, each.created_at.isoformat()))
    headers = {**OWN, "Content-Disposition": f'attachment; filename="subscribers-{event_id}.csv"'}
    return Response(out.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


async def _everybody(site: Site, who: Actor, event_id: str, q: str) -> AsyncIterator[SubscriptionView]:
    cursor = None
    while True:
        asked = PageRequest(limit=1000, cursor=cursor)
        page = await site.core.ask(who, event_subscriptions, event_id, asked, matching=q)
        for each in page.items:
            yield each
        cursor = page.next
        if cursor is None:
            return


async def _asked(
    site: Site,
    who: Actor,
    event_id: str,
    people: list[SubscriptionView],
    number: int,
    pairs: list[tuple[str, str]],
    step: str,
) -> Response:
    """Whether they are to be removed: `people` are the first of them, `pairs` and `step` what the button sends."""
    event = await site.core.ask(who, event_to_manage, event_id)
    about: dict[str, Any] = {"event": event, "people": people, "number": number, "pairs": pairs, "step": step}
    return site.show(who, "subscribers_remove.html", here="events", **about)


async def _page(
    site: Site,
    who: Actor,
    event_id: str,
    *,
    q: str = "",
    removed: bool = False,
    cursor: str | None = None,
    chosen: list[int] | None = None,
    status: int = 200,
    said: str = "",
    wrong: dict[str, str] | None = None,
) -> Response:
    event = await site.core.ask(who, event_to_manage, event_id)
    asked = PageRequest(limit=_SHOWN, cursor=cursor)
    found = await site.core.ask(who, event_subscriptions, event_id, asked, removed=removed, matching=q)
    whole = await site.core.ask(who, count_subscriptions, event_id, removed=removed, matching=q)
    outcomes = await site.core.ask(who, last_outcomes, event_id, [each.id for each in found.items])
    about: dict[str, Any] = {
        "event": event,
        "people": found.items,
        "whole": whole,
        "next": found.next,
        "outcomes": outcomes,
        "q": q,
        "removed": removed,
        "chosen": chosen or [],
        "said": said,
        "wrong": wrong,
    }
    return site.show(who, "subscribers.html", here="events", status=status, **about)
