"""Which press posts a card, where the platform would take one twice: the first, until the card stands there."""

import datetime as dt
import json
import secrets
from dataclasses import dataclass

from sqlalchemy import delete

from core.cards.model import Space
from core.db.models import StoredRequest
from core.work import SYSTEM, Core, Once, Work

STALE = dt.timedelta(minutes=2)
"""Longer than posting takes: whoever claimed it has crashed, or the card would be known."""


@dataclass(frozen=True, slots=True)
class Claim:
    once: Once
    mark: str


async def claim_card(core: Core, event_id: str, space: Space, instead_of: str) -> Claim | None:
    """None where somebody else's press is at it. `instead_of`: the message that is gone."""
    once = Once(f"{space.platform}:cards", f"{event_id}:{space.tenant_id}:{space.channel_id}:{instead_of}", "")
    mine = Claim(once, f"{core.clock.now().isoformat()} {secrets.token_hex(8)}")
    held = await core.act_once(once, SYSTEM, mark_card, mine.mark)
    if held != mine.mark and core.clock.now() - dt.datetime.fromisoformat(held.split()[0]) > STALE:
        await release_card(core, Claim(once, held))
        held = await core.act_once(once, SYSTEM, mark_card, mine.mark)
    return mine if held == mine.mark else None


async def release_card(core: Core, claim: Claim) -> None:
    """It was not posted: the next press is the first again."""
    await core.act(SYSTEM, unmark_card, claim.once.scope, claim.once.key, claim.mark)


async def mark_card(work: Work, mark: str) -> str:
    """Whoever gets their own mark back is the first."""
    return mark


async def unmark_card(work: Work, scope: str, key: str, mark: str) -> None:
    theirs = StoredRequest.scope == scope, StoredRequest.key == key, StoredRequest.answer == json.dumps(mark)
    await work.session.execute(delete(StoredRequest).where(*theirs))
