"""The operators' pages. To everybody else there is nothing at these addresses."""

import datetime as dt
import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from core.clock import UTC
from core.errors import SoonishError, UnprovedError
from core.events.abuse import Closing, close_report, list_reports
from core.events.model import Cancellation
from core.ids import LARGEST_ID
from core.operators.access import look_around
from core.operators.deliveries import Which, dead_deliveries, requeue_dead
from core.operators.events import (
    Affected,
    force_cancel,
    let_people_back,
    look_at_event,
    participants,
    read_people,
    remove_people,
)
from core.operators.looks import AuditFilter, audit_trail, channel_health
from core.pages import PageRequest
from core.times import say
from core.work import Actor
from web.api.parts import EventId, RowId
from web.pages.forms import beside, complaints, status_of
from web.pages.plots import HEIGHT, LEFT, RIGHT, WIDTH, draw
from web.site import Site, SiteOf

router = APIRouter(prefix="/admin")

_SHOWN = 50
_Text = Annotated[str, Query(max_length=80)]
_Cursor = Annotated[str | None, Query(max_length=40)]


async def _operator(request: Request, site: Site) -> Actor:
    """Asked before anything that was sent is done. What a visitor sends is held up while they sign in: whether there
    is something at this address is said to nobody by that."""
    who = await site.person(request)
    if request.method == "POST":
        who.require_user()
    await site.core.ask(who, look_around)
    return who


@router.get("")
async def numbers_page(request: Request, site: SiteOf) -> Response:
    who = await _operator(request, site)
    found = await site.numbers.look()
    drawings = [draw(number, plot, found.days) for number, plot in enumerate(found.plots)]
    frame = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT}
    return _page(site, who, "numbers", drawings=drawings, frame=frame, as_of=_when(found.as_of))


@router.get("/events")
async def events_page(request: Request, site: SiteOf, event: Annotated[str, Query(max_length=400)] = "") -> Response:
    who = await _operator(request, site)
    public_id = _id_in(event)
    if not public_id:
        return _page(site, who, "events", about=None, typed="")
    try:
        await site.core.ask(who, look_at_event, public_id)
    except SoonishError as refusal:
        return _page(
            site, who, "events", status=_status(refusal), about=None, wrong={"event": refusal.message}, typed=public_id
        )
    return RedirectResponse(f"/admin/events/{public_id}", 303)


@router.get("/events/{event_id}")
async def event_page(request: Request, site: SiteOf, event_id: EventId, cursor: _Cursor = None) -> Response:
    return await _event(site, await _operator(request, site), event_id, cursor)


@router.post("/events/{event_id}/cancel")
async def event_cancelled(request: Request, site: SiteOf, event_id: EventId) -> Response:
    who = await _operator(request, site)
    form = await request.form()
    reason = str(form.get("reason", ""))
    if not form.get("sure"):
        wrong = {"sure": "Tick the box to say that you mean it."}
        return await _event(site, who, event_id, status=422, wrong=wrong, reason=reason)
    try:
        await site.core.act(who, force_cancel, event_id, Cancellation(reason=reason))
    except (SoonishError, ValidationError) as refusal:
        wrong = beside(refusal, "reason")
        return await _event(site, who, event_id, status=_status(refusal), wrong=wrong, reason=reason)
    return await _event(site, who, event_id, said="Cancelled. Everybody who follows is told.")


@router.post("/events/{event_id}/people")
async def people_changed(request: Request, site: SiteOf, event_id: EventId) -> Response:
    who = await _operator(request, site)
    form = await request.form()
    back = form.get("step") == "back"
    pasted, ticked = str(form.get("people", "")), [str(each) for each in form.getlist("who")]
    try:
        people = read_people(pasted, ticked)
        done = await site.core.act(who, let_people_back if back else remove_people, event_id, people)
    except SoonishError as refusal:
        status, wrong = _status(refusal), {"list": " ".join(complaints(refusal, {}).values())}
        return await _event(site, who, event_id, status=status, wrong=wrong, pasted=pasted, ticked=ticked)
    return await _event(site, who, event_id, said=_affected(done, "may come back" if back else "removed"))


@router.get("/reports")
async def reports_page(request: Request, site: SiteOf, closed: _Text = "", cursor: _Cursor = None) -> Response:
    return await _reports(site, await _operator(request, site), closed=bool(closed), cursor=cursor)


@router.post("/reports/{report_id}/close")
async def report_closed(request: Request, site: SiteOf, report_id: RowId) -> Response:
    who = await _operator(request, site)
    form = await request.form()
    note = str(form.get("note", ""))
    try:
        await site.core.act(who, close_report, report_id, Closing(note=note))
    except (SoonishError, ValidationError) as refusal:
        wrong = {f"note{report_id}" if name else "": words for name, words in beside(refusal, "note").items()}
        return await _reports(site, who, status=_status(refusal), wrong=wrong, at=report_id, note=note)
    return await _reports(site, who, said="Closed.")


@router.get("/channels")
async def channels_page(request: Request, site: SiteOf) -> Response:
    who = await _operator(request, site)
    found = await site.core.ask(who, channel_health)
    return _page(site, who, "channels", found=found)


@router.get("/deliveries")
async def deliveries_page(request: Request, site: SiteOf) -> Response:
    return await _dead(site, await _operator(request, site))


@router.post("/deliveries/requeue")
async def requeued(request: Request, site: SiteOf) -> Response:
    who = await _operator(request, site)
    form = await request.form()
    try:
        which = Which(kind=str(form.get("kind", "")), code=str(form.get("code", "")))
    except ValidationError:
        return await _dead(site, who, status=422, wrong={"": "Choose one of the rows below."})
    done = await site.core.act(who, requeue_dead, which)
    more = " There are more: press again." if done.left else ""
    return await _dead(site, who, said=f"{done.requeued} will be tried again.{more}")


@router.get("/audit")
async def audit_page(
    request: Request,
    site: SiteOf,
    actor: _Text = "",
    action: _Text = "",
    subject: _Text = "",
    since: _Text = "",
    until: _Text = "",
    cursor: _Cursor = None,
) -> Response:
    who = await _operator(request, site)
    typed = {"actor": actor, "action": action, "subject": subject, "since": since, "until": until}
    given = {name: value.strip() for name, value in typed.items() if value.strip()}
    wrong = _misread(given)
    if wrong:
        return _page(site, who, "audit", status=422, typed=typed, rows=[], next=None, wrong=wrong)
    wanted = AuditFilter(
        actor=int(given["actor"]) if "actor" in given else None,
        action=given.get("action"),
        subject=given.get("subject"),
        since=_day(given.get("since")),
        until=_day(given.get("until"), days=1),
    )
    found = await site.core.ask(who, audit_trail, wanted, PageRequest(limit=_SHOWN, cursor=cursor))
    rows = [(each, _when(each.at), _details(each.detail)) for each in found.items]
    return _page(site, who, "audit", typed=typed, rows=rows, next=found.next)


def _id_in(pasted: str) -> str:
    """The event's id in whichever address of its pages, whatever stands behind it; else what was pasted."""
    found = re.search(r"/(?:e|events)/([^/?#\s]+)", pasted)
    return found[1].partition(".")[0] if found else pasted.strip()


async def _event(
    site: Site, who: Actor, event_id: str, cursor: str | None = None, *, status: int = 200, **told: Any
) -> Response:
    about = await site.core.ask(who, look_at_event, event_id)
    people = await site.core.ask(who, participants, event_id, PageRequest(limit=_SHOWN, cursor=cursor))
    when = say(about.start_date, about.timezone)
    context: dict[str, Any] = {"said": "", "reason": "", "pasted": "", "ticked": [], **told}
    return _page(site, who, "events", status=status, about=about, people=people, when=when, **context)


async def _reports(
    site: Site, who: Actor, *, closed: bool = False, cursor: str | None = None, status: int = 200, **told: Any
) -> Response:
    found = await site.core.ask(who, list_reports, PageRequest(limit=_SHOWN, cursor=cursor), closed=closed)
    rows = [(each, _when(each.created_at)) for each in found.items]
    context: dict[str, Any] = {"said": "", "at": 0, "note": "", **told}
    return _page(site, who, "reports", status=status, rows=rows, next=found.next, closed=closed, **context)


async def _dead(site: Site, who: Actor, *, status: int = 200, **told: Any) -> Response:
    found = await site.core.ask(who, dead_deliveries)
    rows = [(each, _when(each.latest)) for each in found.items]
    return _page(site, who, "deliveries", status=status, rows=rows, **{"said": "", **told})


def _page(site: Site, who: Actor, tab: str, *, status: int = 200, **context: Any) -> Response:
    return site.show(who, f"admin_{tab}.html", here="admin", status=status, tab=tab, **context)


def _affected(done: Affected, became: str) -> str:
    unknown = f" Not here: {', '.join(done.unknown)}." if done.unknown else ""
    already = f" {done.out_already} more were out already, and stay out." if done.out_already else ""
    return f"{done.people} {became}.{already}{unknown}"


def _status(refusal: SoonishError | ValidationError) -> int:
    if isinstance(refusal, UnprovedError):
        raise refusal
    return status_of(refusal)


def _misread(given: dict[str, str]) -> dict[str, str]:
    """What is wrong with the fields of the audit's filter."""
    wrong = {}
    number = given.get("actor", "1")
    if not (number.isascii() and number.isdecimal() and 0 < int(number) <= LARGEST_ID):
        wrong["actor"] = "An account is a number."
    for name in ("since", "until"):
        try:
            _day(given.get(name), days=1)
        except (ValueError, OverflowError):
            wrong[name] = "A day is like 2027-05-01."
    return wrong


def _day(text: str | None, days: int = 0) -> dt.datetime | None:
    if text is None:
        return None
    return dt.datetime.combine(dt.date.fromisoformat(text) + dt.timedelta(days=days), dt.time(), UTC)


def _when(moment: dt.datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _details(detail: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in detail.items())
