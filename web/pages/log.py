"""What was sent to somebody, and why or why not: of an account here, of an address by the link in its mails."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from core.accounts.users import my_account
from core.pages import Page, PageRequest
from core.privacy.log import my_log
from core.privacy.log_words import LogEntry
from core.times import say
from web.pages.forms import sign_in_first
from web.site import OWN, Site, SiteOf

router = APIRouter()

SHOWN = 50
Cursor = Annotated[str | None, Query(max_length=40)]


@router.get("/account/log")
async def log_of_account(request: Request, site: SiteOf, cursor: Cursor = None) -> Response:
    who = await site.person(request)
    if who.user_id is None:
        return sign_in_first(site, request)
    me = await site.core.ask(who, my_account)
    found = await site.core.ask(who, my_log, PageRequest(limit=SHOWN, cursor=cursor))
    return show_log(site, found, me.timezone or site.settings.default_timezone, "/account", signed_in=me.id)


def show_log(site: Site, found: Page[LogEntry], zone: str, back: str, *, signed_in: int | None = None) -> Response:
    """`zone`: for what is about no event that they may see."""
    entries = [(each, _moment(each.at, each.timezone or zone), _next(each, zone)) for each in found.items]
    about: dict[str, Any] = {
        "entries": entries,
        "next": found.next,
        "back": back,
        "days": site.settings.retention_deliveries_days,
    }
    return site.pages.page("log.html", headers=OWN, signed_in=signed_in, **about)


def _next(entry: LogEntry, zone: str) -> str | None:
    return _moment(entry.next_attempt_at, entry.timezone or zone) if entry.next_attempt_at else None


def _moment(at: dt.datetime, zone: str) -> str:
    return say(at.replace(second=0, microsecond=0), zone)
