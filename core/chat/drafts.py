"""What somebody looked at in a preview: kept for a day, for them alone, so that a button does what was shown."""

import datetime as dt
import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy import delete, select

from core.db.models import Draft
from core.errors import Code, SoonishError
from core.events.access import managed_event
from core.limits import HOUR, demand
from core.work import Work

Purpose = Literal["create", "edit", "cancel", "notify"]
LIFETIME = dt.timedelta(days=1)
_AN_HOUR = 200


class DraftView(BaseModel):
    id: int
    purpose: Purpose
    data: dict[str, Any]
    created_at: dt.datetime

    @property
    def mark(self) -> str:
        """Short, and another one for anything else: in a preview's buttons it tells what the preview shows."""
        return hashlib.sha256(json.dumps(self.data, sort_keys=True).encode()).hexdigest()[:12]


async def keep_draft(work: Work, purpose: Purpose, data: dict[str, Any], public_id: str | None = None) -> int:
    """`public_id`: the event that it is about, which the actor manages; None where there is none yet."""
    user_id = work.actor.require_user()
    await demand(work, "drafts", str(user_id), _AN_HOUR, HOUR)
    event_id = (await managed_event(work, public_id)).id if public_id is not None else None
    row = Draft(
        user_id=user_id,
        event_id=event_id,
        purpose=purpose,
        data=data,
        created_at=work.now,
        expires_at=work.now + LIFETIME,
    )
    work.session.add(row)
    await work.session.flush()
    work.subject = f"draft:{row.id}"
    return row.id


async def read_draft(work: Work, draft_id: int, purpose: Purpose) -> DraftView:
    row = await _mine(work, draft_id, purpose)
    return DraftView(id=row.id, purpose=purpose, data=row.data, created_at=row.created_at)


async def change_draft(work: Work, draft_id: int, purpose: Purpose, data: dict[str, Any]) -> None:
    row = await _mine(work, draft_id, purpose)
    row.data = data


async def drop_draft(work: Work, draft_id: int) -> None:
    """Doing it twice is harmless."""
    await work.session.execute(delete(Draft).where(Draft.id == draft_id, Draft.user_id == work.actor.require_user()))


async def forget_drafts(work: Work, at_most: int) -> int:
    """Those that nobody can use any more. How many rows went."""
    old = select(Draft.id).where(Draft.expires_at <= work.now).limit(at_most)
    done = await work.session.execute(delete(Draft).where(Draft.id.in_(old)))
    return int(done.rowcount)  # type: ignore[attr-defined]


async def _mine(work: Work, draft_id: int, purpose: Purpose) -> Draft:
    row = await work.session.scalar(
        select(Draft).where(
            Draft.id == draft_id, Draft.user_id == work.actor.require_user(), Draft.purpose == purpose,
            Draft.expires_at > work.now,
        )
    )  # fmt: skip
    if row is None:
        raise SoonishError(Code.NOT_FOUND, "This preview is too old.", hint="Start again.")
    return row
