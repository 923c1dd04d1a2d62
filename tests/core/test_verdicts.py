"""Verdicts: what is still owed, and what is not and says why."""

import datetime as dt

import pytest
from sqlalchemy import delete, select, update

from core.db.models import Delivery, Integration, Notification, Subscription, SuppressedAddress
from core.events.changes import change_event
from core.events.model import EventChange
from core.notifications.kinds import KINDS, SEND, Timing, still_news, wanted
from core.notifications.ledger import Result
from core.subscriptions.leave import change_mine, end_mine
from core.subscriptions.model import StateChange
from tests.core.look import rows
from tests.core.sent import GRACE, LATER, Sent, sent_to, switched_off
from tests.people import Town


async def _left(sent: Sent) -> None:
    (row,) = await rows(sent.town.core, select(Subscription))
    await sent.town.core.act(sent.town.bob.actor, end_mine, row.id)


async def _paused(sent: Sent) -> None:
    (row,) = await rows(sent.town.core, select(Subscription))
    await sent.town.core.act(sent.town.bob.actor, change_mine, row.id, StateChange(state="paused"))


async def _suppressed(sent: Sent) -> None:
    async with sent.town.core.db.write() as session:
        row = await session.get_one(Integration, sent.hooks[0])
        session.add(SuppressedAddress(destination=row.destination, created_at=sent.now))


async def _superseded(sent: Sent) -> None:
    async with sent.town.core.db.write() as session:
        await session.execute(update(Notification).where(Notification.id == sent.id).values(superseded_at=sent.now))


async def _moved(sent: Sent) -> None:
    """A reminder of a start that is no longer the event's."""
    async with sent.town.core.db.write() as session:
        start = {"start": int(sent.event.start_date.timestamp())}
        await session.execute(
            update(Notification).where(Notification.id == sent.id).values(kind="reminder_1day", data=start)
        )
    change = EventChange(start_date=sent.town.in_(days=9))
    await sent.town.core.act(sent.town.alice.actor, change_event, sent.event.id, change)


async def _over(sent: Sent) -> None:
    sent.pass_(days=40)


async def _removed(sent: Sent) -> None:
    async with sent.town.core.db.write() as session:
        await session.execute(update(Integration).values(removed_at=sent.now))


@pytest.mark.parametrize(
    ("happens", "status", "code"),
    [
        (_left, "skipped", "left"),
        (_paused, "skipped", "paused"),
        (_suppressed, "skipped", "suppressed"),
        (_superseded, "skipped", "superseded"),
        (_moved, "skipped", "superseded"),
        (_over, "skipped", "event_over"),
        (_removed, "skipped", "channel_removed"),
        (switched_off, "pending", "channel_off"),
    ],
)
async def test_what_is_no_longer_owed_is_not_sent_and_says_why(
    town: Town, happens: object, status: str, code: str
) -> None:
    sent = await sent_to(town)
    await happens(sent)  # type: ignore[operator]
    assert await sent.claim() == []
    row = await sent.row()
    assert (row.status, row.code, row.attempts, row.lease_owner) == (status, code, 0, None)
    assert row.reason
    assert row.reason.endswith(".")
    await sent.ledger.settle(sent.id, sent.now)
    assert await sent.closed()


async def test_what_was_claimed_before_somebody_left_is_not_tried_again_afterwards(town: Town) -> None:
    sent = await sent_to(town)
    (claimed,) = await sent.claim()
    await _left(sent)
    await sent.ledger.record([Result(claimed, LATER)], sent.now)
    sent.pass_(seconds=11)
    assert await sent.claim() == []
    assert (await sent.row()).code == "left"


async def test_a_row_whose_channel_is_gone_from_the_database_is_skipped(town: Town) -> None:
    sent = await sent_to(town)
    async with town.core.db.write() as session:
        # A subscription keeps its channel; only mail about the account can lose it.
        await session.execute(update(Delivery).values(subscription_id=None))
        await session.execute(delete(Subscription))
        await session.execute(delete(Integration).where(Integration.id == sent.hooks[0]))
    assert await sent.claim() == []
    assert (await sent.row()).status == "skipped"


NOW = dt.datetime(2026, 11, 27, 18, 0, tzinfo=dt.UTC)
START = NOW + dt.timedelta(hours=2)
TOLD_AFTER_CANCELLATION = {"cancelled", "message"}
UNTIL_START = {"reminder_1day", "reminder_1hour"}
ABOUT_ACCOUNTS = {
    "verify", "sign_in", "change_email", "email_taken", "email_requested", "email_changed", "password_changed",
}  # fmt: skip
NEVER_STALE = {"confirm_channel", "channel_disabled", *ABOUT_ACCOUNTS}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_is_news_for_as_long_as_it_promises(kind: str) -> None:
    def verdict(status: str, now: dt.datetime) -> str:
        return still_news(KINDS[kind], Timing(status, START, None, GRACE), now).code

    end = START + dt.timedelta(hours=1)
    second = dt.timedelta(seconds=1)
    last = {"message": end + GRACE}.get(kind, START if kind in UNTIL_START else end)
    assert verdict("scheduled", NOW) == ""
    if kind not in NEVER_STALE:
        assert verdict("scheduled", last - second) == ""
        assert verdict("scheduled", last) == "event_over"
    assert verdict("cancelled", NOW) == ("" if kind in TOLD_AFTER_CANCELLATION else "event_cancelled")
    assert still_news(KINDS[kind], None, NOW) == SEND


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_goes_to_those_who_still_want_it(kind: str) -> None:
    def code(**facts: object) -> str:
        known: dict[str, object] = {
            "subscription": "active", "has_subscription": True, "active": True, "removed": False, "suppressed": False,
            "off_because": None, **facts,
        }  # fmt: skip
        return wanted(KINDS[kind], **known).code  # type: ignore[arg-type]

    asks = kind in {"confirm", "confirm_channel", "invitation", *ABOUT_ACCOUNTS}
    assert code() == ""
    assert code(subscription="ended") == "left"
    assert code(subscription="paused") == "paused"
    assert code(subscription="unconfirmed") == ("" if kind == "confirm" else "unconfirmed")
    assert code(subscription=None) == "left"
    assert code(subscription=None, has_subscription=False) == ""
    assert code(may_see=False) == "no_access"
    assert code(may_see=False, has_subscription=False) == ""
    # Who asks for a way in wants that one mail, whatever else they want no more of.
    assert code(suppressed=True) == ("" if kind == "sign_in" else "suppressed")
    assert code(removed=True) == "channel_removed"
    assert code(active=False) == ("" if asks else "channel_off")
