"""Everything that an address without an account follows, by a link that was mailed to it: look, pause, end."""

import datetime as dt
import secrets
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import func, select

from core.db.models import Event, Integration, Subscription, SuppressedAddress
from core.errors import conflict, not_found
from core.events.access import follower_may_see
from core.privacy.whose import address_data, address_row
from core.subscriptions.leave import end_rows
from core.subscriptions.undo import restorable
from core.times import effective_end, say
from core.tokens import UNDO_LIFETIME, UndoToken, undo_token
from core.work import Work

_SHOWN_AT_MOST = 200
Step = Literal["pause", "resume", "end"]
_STATES: dict[str, str] = {"pause": "paused", "resume": "active"}


class Followed(BaseModel):
    """One event that the address follows, as its page shows it."""

    subscription_id: int
    event_id: str | None
    """None: there is no page for somebody without an account."""
    name: str
    when: str
    state: Literal["active", "paused", "unconfirmed"]
    over: bool
    cancelled: bool


class Left(BaseModel):
    """What was left within a day, and the way back."""

    names: list[str]
    undo: str


class AddressPage(BaseModel):
    """`state`: here, or moved into an account, or gone."""

    state: Literal["here", "account", "gone"]
    label: str = ""
    follows: list[Followed] = []
    more: int = 0
    """How many are not shown."""
    left: list[Left] = []
    suppressed: bool = False
    has_account: bool = False


async def look_at_address(work: Work, token: str) -> AddressPage:
    """What the link is about. Changes nothing, and says nothing of an account but that there is one."""
    row = await address_row(work, token)
    if row is None:
        return AddressPage(state="gone")
    account = await _has_account(work, row)
    if row.removed_at is not None:
        return AddressPage(state="account" if account else "gone")
    follows, count = await _follows(work, row)
    suppressed = await work.session.get(SuppressedAddress, row.destination) is not None
    return AddressPage(
        state="here",
        label=row.label,
        follows=follows,
        more=count - len(follows),
        left=await _left(work, row),
        suppressed=suppressed,
        has_account=account,
    )


async def change_followed(work: Work, token: str, subscription_id: int, step: Step) -> None:
    """Pause, resume or end one of them. Ending what has ended is harmless."""
    (channel,) = (await address_data(work, token)).channel_ids
    row = await work.session.get(Subscription, subscription_id, with_for_update={"key_share": True})
    if row is None or row.integration_id != channel:
        raise not_found("subscription")
    work.subject = f"subscription:{row.id}"
    if step == "end":
        await end_rows(work, [Subscription.id == row.id], "unsubscribed", secrets.token_hex(16))
    elif row.state not in ("active", "paused"):
        raise conflict("This has ended, or was never confirmed.", hint="Subscribe again on the event's page.")
    else:
        row.state = _STATES[step]


async def end_all_followed(work: Work, token: str) -> int:
    """End everything, and suppress nothing. How many there were."""
    (channel,) = (await address_data(work, token)).channel_ids
    work.subject = f"integration:{channel}"
    return await end_rows(work, [Subscription.integration_id == channel], "unsubscribed", secrets.token_hex(16))


async def write_again(work: Work, token: str) -> None:
    """The address may be written to again: its own person says so."""
    whose = await address_data(work, token)
    work.subject = f"integration:{whose.channel_ids[0]}"
    for destination in whose.destinations:
        if (row := await work.session.get(SuppressedAddress, destination)) is not None:
            await work.session.delete(row)


async def _has_account(work: Work, row: Integration) -> bool:
    """Whether an account proved this address to be its own."""
    proved = select(Integration.id).where(
        Integration.destination == row.destination,
        Integration.user_id.is_not(None),
        Integration.confirmed_at.is_not(None),
        Integration.removed_at.is_(None),
    )
    return await work.session.scalar(proved.limit(1)) is not None


async def _follows(work: Work, row: Integration) -> tuple[list[Followed], int]:
    """The next first, and those that are over last."""
    mine = (Subscription.integration_id == row.id) & (Subscription.state != "ended") & follower_may_see()
    query = select(Subscription, Event).join(Event, Event.id == Subscription.event_id).where(mine)
    late = func.coalesce(Event.end_date, Event.start_date, type_=Event.start_date.type) <= work.now
    found = await work.session.execute(query.order_by(late, Event.start_date, Event.id).limit(_SHOWN_AT_MOST))
    count = await work.session.scalar(
        select(func.count(Subscription.id)).join(Event, Event.id == Subscription.event_id).where(mine)
    )
    return [_shown(each, event, work.now) for each, event in found], count or 0


def _shown(row: Subscription, event: Event, now: dt.datetime) -> Followed:
    return Followed(
        subscription_id=row.id,
        event_id=event.public_id if event.is_public else None,
        name=event.name,
        when=say(event.start_date, event.timezone),
        state=row.state,
        over=effective_end(event.start_date, event.end_date) <= now,
        cancelled=event.status == "cancelled",
    )


async def _left(work: Work, row: Integration) -> list[Left]:
    """What an undo would still bring back, the latest first."""
    rows = await work.session.execute(
        restorable()
        .add_columns(Event.name)
        .where(
            Subscription.integration_id == row.id,
            Subscription.ended_act.is_not(None),
            Subscription.ended_at > work.now - UNDO_LIFETIME,
        )
        .order_by(Subscription.ended_at.desc(), Subscription.id)
        .limit(_SHOWN_AT_MOST)
    )
    acts: dict[str, tuple[dt.datetime, list[str]]] = {}
    for ended, name in rows:
        assert ended.ended_at is not None  # noqa: S101 - the query asked for it
        acts.setdefault(ended.ended_act, (ended.ended_at, []))[1].append(name)
    return [
        Left(names=names, undo=undo_token(work.keys, UndoToken(act, int((at + UNDO_LIFETIME).timestamp()))))
        for act, (at, names) in acts.items()
    ]
