"""What would come over, for the page that asks whether it should."""

from typing import cast

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from core.db.models import Event, EventOrganizer, Identity, Integration, Subscription, User
from core.identities.model import LinkPreview, Names
from core.identities.signed import LABELS, Platform
from core.text import mask_address
from core.work import Work

_NAMED = 5
_LIVE = ("active", "paused")


async def preview_of(work: Work, identity: Identity, kept: User) -> LinkPreview:
    gone = await work.session.get_one(User, identity.user_id)
    mine_already = gone.id == kept.id
    ways = [] if mine_already else await _ways_in(work, gone.id)
    nothing = Names(count=0, names=[])
    return LinkPreview(
        platform=cast("Platform", identity.platform),
        display_name=identity.display_name,
        into=kept.email or kept.display_name,
        identities=ways,
        follows=nothing if mine_already else await _names(work, _follows(gone.id)),
        organizes=nothing if mine_already else await _names(work, _organizes(gone.id)),
        channels=nothing if mine_already else await _names(work, _channels(gone.id)),
        twice=nothing if mine_already else await _names(work, _twice(gone.id, kept.id)),
        address=None if mine_already or gone.email is None else mask_address(gone.email),
        address_becomes=None if mine_already or gone.email_verified_at is None else _becomes(kept),
        mine_already=mine_already,
    )


def _becomes(kept: User) -> str:
    return "yours" if kept.email is None else "channel"


async def _ways_in(work: Work, user_id: int) -> list[str]:
    rows = await work.session.scalars(select(Identity).where(Identity.user_id == user_id).order_by(Identity.id))
    return [f"{LABELS[cast('Platform', row.platform)]}: {row.display_name}" for row in rows]


def _follows(user_id: int) -> Select[str]:
    return (
        select(Event.name)
        .join(Subscription, Subscription.event_id == Event.id)
        .where(Subscription.user_id == user_id, Subscription.state.in_(_LIVE))
        .group_by(Event.id, Event.name)
    )


def _organizes(user_id: int) -> Select[str]:
    helps = select(EventOrganizer.event_id).where(EventOrganizer.user_id == user_id)
    return select(Event.name).where((Event.owner_user_id == user_id) | Event.id.in_(helps))


def _channels(user_id: int) -> Select[str]:
    return select(Integration.name).where(Integration.user_id == user_id, Integration.removed_at.is_(None))


def _twice(gone: int, kept: int) -> Select[str]:
    other, at = aliased(Subscription), aliased(Integration)
    return (
        select(Event.name)
        .join(Subscription, Subscription.event_id == Event.id)
        .join(Integration, Integration.id == Subscription.integration_id)
        .join(other, other.event_id == Event.id)
        .join(at, (at.id == other.integration_id) & (at.destination == Integration.destination))
        .where(Subscription.user_id == gone, other.user_id == kept, Subscription.state.in_(_LIVE))
        .group_by(Event.id, Event.name)
    )


async def _names(work: Work, query: Select[str]) -> Names:
    count = await work.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    found = await work.session.scalars(query.limit(_NAMED))
    return Names(count=count, names=list(found))
