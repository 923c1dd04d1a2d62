"""What is one's own: the events that one organizes, and those that one follows."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from core.events.model import EventView
from core.events.usecases import list_events
from core.pages import PageRequest
from core.subscriptions.views import my_subscriptions
from core.times import distance, say
from web.pages.forms import sign_in_first
from web.site import SiteOf

router = APIRouter()

_MANY = 100
Cursor = Annotated[str | None, Query(max_length=40)]


@router.get("/events")
async def my_events(request: Request, site: SiteOf, mine: Cursor = None, followed: Cursor = None) -> Response:
    """`mine`, `followed`: where the older ones of each list begin."""
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    now = site.core.clock.now()
    own = await site.core.ask(who, list_events, "mine", PageRequest(limit=_MANY, cursor=mine))
    follows = await site.core.ask(who, list_events, "subscribed", PageRequest(limit=_MANY, cursor=followed))
    channels: dict[str, list[str]] = {}
    for each in (await site.core.ask(who, my_subscriptions, PageRequest(limit=1000))).items:
        state = "" if each.state == "active" else f" ({each.state})"
        channels.setdefault(each.event_id, []).append(f"{each.label}{state}")
    context: dict[str, Any] = {
        "own": _sorted(own.items, now),
        "older": own.next,
        "follows": _sorted(follows.items, now),
        "older_follows": follows.next,
        "channels": channels,
    }
    return site.show(who, "mine.html", here="events", **context)


def _sorted(events: list[EventView], now: dt.datetime) -> dict[str, list[dict[str, Any]]]:
    """What is to come, the next one first, and what is over or cancelled."""
    coming = sorted((each for each in events if each.status == "scheduled"), key=lambda each: each.start_date)
    past = [each for each in events if each.status != "scheduled"]
    return {"coming": [_line(each, now) for each in coming], "past": [_line(each, now) for each in past]}


def _line(event: EventView, now: dt.datetime) -> dict[str, Any]:
    when = say(event.start_date, event.timezone)
    return {"event": event, "when": when, "distance": distance(now, event.start_date)}
