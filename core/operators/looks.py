"""What an operator looks at: channels in trouble, without saying where they lead, and who did what."""

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import case, func, or_, select

from core.db.models import AuditEntry, Integration
from core.ids import RowId
from core.operators.access import require_operator
from core.operators.since import first_id
from core.pages import Page, PageRequest, cut, position
from core.work import Work

_SHOWN_AT_MOST = 100


class ChannelKind(BaseModel):
    """How the channels of one kind are."""

    kind: str
    channels: int
    failing: int
    """Whose latest delivery failed."""
    off: int
    """Switched off by us, with a reason."""


class TroubledChannel(BaseModel):
    """By its number alone: neither its URL nor its name or label, which may be somebody's address."""

    id: int
    kind: str
    failures: int
    is_active: bool
    disabled_reason: str | None
    last_error: str | None
    anonymous: bool


class ChannelHealth(BaseModel):
    kinds: list[ChannelKind]
    worst: list[TroubledChannel]


class AuditFilter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    actor: RowId | None = None
    action: Annotated[str, Field(max_length=80)] | None = None
    subject: Annotated[str, Field(max_length=80)] | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


class AuditView(BaseModel):
    id: int
    at: dt.datetime
    actor_user_id: int | None
    via: str
    action: str
    subject: str
    outcome: str
    detail: dict[str, Any]


async def channel_health(work: Work) -> ChannelHealth:
    """How the kinds of channel are, and those with the longest streaks of failures."""
    await require_operator(work)
    off = Integration.disabled_reason.is_not(None)
    number = func.count()
    counted = await work.session.execute(
        select(
            Integration.kind, number, func.sum(case((Integration.failures > 0, 1), else_=0)),
            func.sum(case((off, 1), else_=0)),
        )
        .where(Integration.removed_at.is_(None))
        .group_by(Integration.kind)
        .order_by(number.desc(), Integration.kind)
    )  # fmt: skip
    kinds = [
        ChannelKind(kind=kind, channels=n, failing=failing, off=switched) for kind, n, failing, switched in counted
    ]
    rows = await work.session.execute(
        select(
            Integration.id, Integration.kind, Integration.failures, Integration.is_active,
            Integration.disabled_reason, Integration.last_error, Integration.user_id.is_(None).label("anonymous"),
        )
        .where(Integration.removed_at.is_(None), or_(Integration.failures > 0, off))
        .order_by(Integration.failures.desc(), Integration.id)
        .limit(_SHOWN_AT_MOST)
    )  # fmt: skip
    return ChannelHealth(kinds=kinds, worst=[TroubledChannel.model_validate(dict(row)) for row in rows.mappings()])


async def audit_trail(work: Work, wanted: AuditFilter, page: PageRequest) -> Page[AuditView]:
    """Who did what, newest first: numbers of rows, never an address."""
    await require_operator(work)
    query = select(AuditEntry)
    if wanted.actor is not None:
        query = query.where(AuditEntry.actor_user_id == wanted.actor)
    if wanted.action:
        query = query.where(AuditEntry.action == wanted.action)
    if wanted.subject:
        query = query.where(AuditEntry.subject == wanted.subject)
    if wanted.since is not None:
        query = query.where(AuditEntry.id >= await first_id(work.session, AuditEntry, wanted.since))
    if wanted.until is not None:
        query = query.where(AuditEntry.id < await first_id(work.session, AuditEntry, wanted.until))
    if page.cursor:
        query = query.where(AuditEntry.id < position(page.cursor))
    rows = await work.session.scalars(query.order_by(AuditEntry.id.desc()).limit(page.limit + 1))
    return cut([(row.id, _view(row)) for row in rows], page)


def _view(row: AuditEntry) -> AuditView:
    return AuditView(
        id=row.id,
        at=row.created_at,
        actor_user_id=row.actor_user_id,
        via=row.via,
        action=row.action,
        subject=row.subject,
        outcome=row.outcome,
        detail=row.detail,
    )
