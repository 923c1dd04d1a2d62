"""What an organizer has before them: figures, the composer, what goes out and when, who follows."""

import datetime as dt
from typing import Any

from fastapi import APIRouter, Request, Response

from core.events.health import WorkflowStatus, status_by_rows
from core.events.model import EventView
from core.events.reminders import WORDS
from core.events.usecases import event_to_manage
from core.notifications.audience import who_missed
from core.notifications.plan import Sendings, Sent, sendings
from core.pages import PageRequest
from core.subscriptions.views import count_subscriptions, event_subscriptions, last_outcomes
from core.times import distance, say_exactly
from core.work import Actor
from web.api.parts import EventId
from web.pages.forms import new_key, sign_in_first
from web.site import TYPED, Site, SiteOf

router = APIRouter()

SAID = {
    "saved": "Saved. Nobody is told.",
    "told": "Saved. Followers are being told.",
    "cancelled": "The event is cancelled. Followers are being told.",
}
LONGEST_SEARCH = 100
_FEW = 6
_LATEST = 5


@router.get("/e/{event_id}/manage")
async def manage(request: Request, site: SiteOf, event_id: EventId, said: str = "") -> Response:
    """`said`: what has just been done."""
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    return await show_manage(site, who, event_id, said=SAID.get(said, ""))


async def show_manage(
    site: Site,
    who: Actor,
    event_id: str,
    *,
    status: int = 200,
    typed: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
    chosen: list[int] | None = None,
    said: str = "",
) -> Response:
    """`typed`, `wrong`, `chosen`: the composer as sent; `chosen` are subscriptions, `q` in `typed` finds some."""
    typed = {"to": "chosen" if chosen else "everyone", "q": ""} | (typed or {})
    typed["q"] = typed["q"][:LONGEST_SEARCH]
    now = site.core.clock.now()
    event = await site.core.ask(who, event_to_manage, event_id)
    sent = await site.core.ask(who, sendings, event_id)
    health = await site.core.ask(who, status_by_rows, event_id)
    few = await site.core.ask(who, event_subscriptions, event_id, PageRequest(limit=_FEW))
    outcomes = await site.core.ask(who, last_outcomes, event_id, [each.id for each in few.items])
    about: dict[str, Any] = {
        "event": event,
        "when": say_exactly(event.start_date, event.timezone),
        "distance": distance(now, event.start_date),
        "total": sent.total,
        "plan": _plan(event, sent, health, now),
        "subscribers": few,
        "outcomes": outcomes,
        "missed": await site.core.ask(who, who_missed, event_id),
        "found": await _found(site, who, event_id, typed.get("q", "")),
        "failed": next((each.id for each in sent.latest if each.counts.failed), None),
        "chosen": chosen or [],
        "typed": typed,
        "wrong": wrong or {},
        "said": said,
        "sending": await site.sending(),
        "key": new_key(),
    }
    return site.show(who, "manage.html", here="events", status=status, headers=TYPED, **about)


async def _found(site: Site, who: Actor, event_id: str, q: str) -> int:
    return (await site.core.ask(who, count_subscriptions, event_id, matching=q)).number if q else 0


def _plan(event: EventView, sent: Sendings, health: WorkflowStatus, now: dt.datetime) -> list[dict[str, Any]]:
    """What went out and what is to come, in the order in which it does; the first that is to come is next."""
    found = [_went(each, now) for each in reversed(sent.latest[:_LATEST])]
    found += [_comes(WORDS[each.kind], each.at) for each in health.reminders if each.state == "scheduled"]
    if event.status == "scheduled" and event.start_date > now:
        found.append(_comes("It starts", event.start_date))
    found.sort(key=lambda each: each["at"])
    for each in found:
        at = each["at"].replace(second=0, microsecond=0) if each["id"] else each["at"]
        each["when"] = say_exactly(at, event.timezone)
    first = next((each for each in found if each["state"] != "sent"), None)
    if first is not None:
        first["state"] = "next"
    return found


def _comes(title: str, at: dt.datetime) -> dict[str, Any]:
    return {"state": "", "title": title, "at": at, "id": None}


def _went(each: Sent, now: dt.datetime) -> dict[str, Any]:
    """One that is held back for a while is still to come."""
    return {
        "state": "" if each.not_before > now else "sent",
        "title": each.title,
        "at": max(each.not_before, each.created_at),
        "id": each.id,
        "counts": each.counts,
    }
