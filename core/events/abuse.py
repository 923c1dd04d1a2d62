"""Saying that an event is not what it should be, and what operators do with that."""

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import func, select

from core.db.models import AbuseReport, Event
from core.errors import conflict, not_found
from core.events.access import visible_event
from core.limits import HOUR, demand
from core.operators.access import require_operator
from core.pages import Page, PageRequest, cut, position
from core.text import Line, MessageBody
from core.work import Work

_AN_HOUR = 5
"""Reports from one network."""
_OPEN_AT_MOST = 50
"""Reports of one event that nobody has looked at: more of them say nothing more."""


class NewReport(BaseModel):
    model_config = ConfigDict(extra="forbid")

    body: Annotated[MessageBody, StringConstraints(max_length=1_000)]


class Thanks(BaseModel):
    """The same answer for the first report of an event and for the hundredth."""

    status: str = "received"


class Closing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: Line = ""


class ReportView(BaseModel):
    id: int
    created_at: dt.datetime
    event_id: str
    event_name: str
    body: str
    closed_at: dt.datetime | None
    note: str


async def report_event(work: Work, public_id: str, report: NewReport) -> Thanks:
    """Anybody who sees an event may say what is wrong with it. The organizer is not told, and nobody is asked who they
    are."""
    event = await visible_event(work, public_id)
    await demand(work, "report", work.actor.ip or str(work.actor.user_id), _AN_HOUR, HOUR)
    waiting = select(func.count()).where(AbuseReport.event_id == event.id, AbuseReport.closed_at.is_(None))
    if (await work.session.scalar(waiting) or 0) < _OPEN_AT_MOST:
        work.session.add(AbuseReport(event_id=event.id, body=report.body, created_at=work.now))
    return Thanks()


async def list_reports(work: Work, page: PageRequest, *, closed: bool = False) -> Page[ReportView]:
    """Those that wait, or those that are closed; newest first."""
    await require_operator(work)
    done = AbuseReport.closed_at.is_not(None) if closed else AbuseReport.closed_at.is_(None)
    query = select(AbuseReport, Event).join(Event, Event.id == AbuseReport.event_id).where(done)
    if page.cursor:
        query = query.where(AbuseReport.id < position(page.cursor))
    rows = (await work.session.execute(query.order_by(AbuseReport.id.desc()).limit(page.limit + 1))).all()
    return cut([(row.id, _view(row, event)) for row, event in rows], page)


async def close_report(work: Work, report_id: int, closing: Closing) -> ReportView:
    """It was looked at; the note says what came of it. Closing it again with another note is refused."""
    await require_operator(work, to_change=True)
    row = await work.session.get(AbuseReport, report_id, with_for_update=True)
    if row is None:
        raise not_found("report")
    work.subject = f"report:{row.id}"
    if row.closed_at is None:
        row.closed_at, row.note = work.now, closing.note
    elif row.note != closing.note:
        raise conflict("Somebody closed this report before.", hint="Their note stays.")
    return _view(row, await work.session.get_one(Event, row.event_id))


def _view(row: AbuseReport, event: Event) -> ReportView:
    return ReportView(
        id=row.id,
        created_at=row.created_at,
        event_id=event.public_id,
        event_name=event.name,
        body=row.body,
        closed_at=row.closed_at,
        note=row.note,
    )
