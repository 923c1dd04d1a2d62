"""The ledger: who may send which row, what becomes of it, and when it is tried again."""

import datetime as dt

import pytest
from sqlalchemy import delete, select, update

from core.db.models import Delivery, Event, Integration, Notification, Subscription, SuppressedAddress
from core.delivery.message import OK, Outcome
from core.errors import Code
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange, EventView
from core.integrations.model import IntegrationChange
from core.integrations.usecases import change_integration, remove_integration
from core.notifications.kinds import KINDS, SEND, Timing, still_news, wanted
from core.notifications.ledger import Ledger, Result
from core.notifications.model import NewMessage
from core.notifications.rows import Recipient
from core.notifications.usecases import retry, send_message
from core.operations.pause import pause_sending, resume_sending
from core.subscriptions.leave import change_mine, end_mine
from core.subscriptions.model import StateChange
from tests.core.look import deliveries, refusal, rows
from tests.people import OPERATOR, Town

LEASE = dt.timedelta(seconds=30)
GRACE = dt.timedelta(days=30)
NOW = dt.datetime(2026, 11, 27, 18, 0, tzinfo=dt.UTC)
LATER = Outcome(False, "http_500", "It is in trouble.", host_fault=True)
GONE = Outcome(False, "http_410", "It is gone for good.", permanent=True)
BUSY = Outcome(False, "http_429", "It asked to wait.", deferred=True, retry_after=60.0)


def ledger_of(town: Town, owner: str = "one") -> Ledger:
    return Ledger(town.core.db, owner, lease=LEASE, grace=GRACE, retry_delays=[10, 120, 900])


class Sent:
    """A message of alice's to `count` webhooks of bob's, and the ledger of one worker."""

    def __init__(self, town: Town, event: EventView, notification_id: int, hooks: list[int]) -> None:
        self.town = town
        self.event = event
        self.id = notification_id
        self.hooks = hooks
        self.ledger = ledger_of(town)

    @property
    def now(self) -> dt.datetime:
        return self.town.clock.now()

    async def claim(self, ledger: Ledger | None = None, limit: int = 256) -> list[Recipient]:
        return (await (ledger or self.ledger).claim(self.id, limit, self.now)).recipients

    async def rows(self) -> list[Delivery]:
        return await deliveries(self.town.core, self.id)

    async def row(self) -> Delivery:
        (row,) = await self.rows()
        return row

    async def closed(self) -> bool:
        (row,) = await rows(self.town.core, select(Notification).where(Notification.id == self.id))
        return row.closed_at is not None

    def pass_(self, **time: float) -> None:
        self.town.clock.shift += dt.timedelta(**time)


async def sent_to(town: Town, count: int = 1, start: dt.datetime | None = None) -> Sent:
    event = await town.event(start)
    hooks = [await town.channel(town.bob, f"json://192.0.2.7/{n}", tag=f"t{n}") for n in range(count)]
    await town.follow(town.bob, event, *hooks)
    message = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    return Sent(town, event, message.id, hooks)


# Claiming


async def test_a_claim_leases_what_is_due_in_chunks_and_nothing_twice(town: Town) -> None:
    sent = await sent_to(town, 5)
    first = await sent.ledger.claim(sent.id, 3, sent.now)
    second = await sent.ledger.claim(sent.id, 3, sent.now)
    assert ([len(first.recipients), len(second.recipients)], first.more, second.more) == ([3, 2], True, False)
    assert len({each.delivery_id for each in (*first.recipients, *second.recipients)}) == 5
    assert await sent.claim(ledger_of(town, "two")) == []
    assert {(row.status, row.lease_owner) for row in await sent.rows()} == {("sending", "one")}


async def test_rows_that_are_due_later_are_left_alone(town: Town) -> None:
    sent = await sent_to(town, 2)
    later = (await sent.rows())[0].id
    async with town.core.db.write() as session:
        await session.execute(
            update(Delivery).where(Delivery.id == later).values(next_attempt_at=sent.now + dt.timedelta(hours=1))
        )
    assert [each.delivery_id for each in await sent.claim()] == [(await sent.rows())[1].id]


async def test_only_an_expired_lease_is_taken_over_and_the_late_outcome_of_its_old_owner_changes_nothing(
    town: Town,
) -> None:
    sent = await sent_to(town)
    two = ledger_of(town, "two")
    (old,) = await sent.claim()
    sent.pass_(seconds=29)
    assert await sent.claim(two) == []
    sent.pass_(seconds=2)
    (new,) = await sent.claim(two)
    assert new.delivery_id == old.delivery_id
    for late in (LATER, GONE, OK):
        await sent.ledger.record([Result(old, late)], sent.now)
        assert ((await sent.row()).status, (await sent.row()).lease_owner) == ("sending", "two")
    await two.record([Result(new, OK)], sent.now)
    await sent.ledger.record([Result(old, GONE)], sent.now)
    row = await sent.row()
    assert (row.status, row.attempts, row.lease_owner) == ("delivered", 1, None)


async def test_a_renewed_lease_is_not_taken_over(town: Town) -> None:
    sent = await sent_to(town)
    await sent.claim()
    sent.pass_(seconds=20)
    await sent.ledger.renew(sent.now)
    sent.pass_(seconds=20)
    assert await sent.claim(ledger_of(town, "two")) == []


async def test_what_is_in_hand_is_not_claimed_again_by_its_owner_even_after_its_lease(town: Town) -> None:
    sent = await sent_to(town)
    (claimed,) = await sent.claim()
    sent.pass_(seconds=40)
    assert not sent.ledger.holds(claimed, sent.now)
    assert await sent.claim() == []
    sent.ledger.drop(claimed)
    assert len(await sent.claim()) == 1


async def test_a_lease_that_somebody_else_took_is_known_to_be_lost_at_the_next_renewal(town: Town) -> None:
    sent = await sent_to(town)
    (claimed,) = await sent.claim()
    sent.pass_(seconds=31)
    assert len(await sent.claim(ledger_of(town, "two"))) == 1
    await sent.ledger.renew(sent.now)
    assert not sent.ledger.holds(claimed, sent.now)


async def test_rows_that_were_not_tried_go_back_and_only_their_owner_gives_them_back(town: Town) -> None:
    sent = await sent_to(town)
    claimed = await sent.claim()
    await ledger_of(town, "two").release(claimed)
    assert (await sent.row()).status == "sending"
    await sent.ledger.release(claimed)
    assert ((await sent.row()).status, (await sent.row()).attempts) == ("queued", 0)
    assert len(await sent.claim(ledger_of(town, "two"))) == 1


async def test_who_is_alone_frees_the_leases_of_the_dead_at_once(town: Town) -> None:
    sent = await sent_to(town, 2)
    await sent.claim(limit=1)
    await ledger_of(town, "two").take_over()
    assert len(await sent.claim(ledger_of(town, "two"))) == 2


async def test_pausing_stops_claims_and_resuming_lets_them_go_on(town: Town) -> None:
    sent = await sent_to(town)
    await town.core.act(OPERATOR, pause_sending)
    assert await sent.claim() == []
    looked = await sent.ledger.settle(sent.id, sent.now)
    assert (looked.waiting, await sent.closed()) == (1, False)
    assert looked.next_attempt_at is not None
    assert dt.datetime.fromisoformat(looked.next_attempt_at) > sent.now
    await town.core.act(OPERATOR, resume_sending)
    assert len(await sent.claim()) == 1


async def test_a_message_that_never_was_has_nothing_to_claim(town: Town) -> None:
    claim = await ledger_of(town).claim(999, 10, town.clock.now())
    assert (claim.about, claim.recipients, claim.more) == (None, [], False)


# Verdicts


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


async def _off(sent: Sent) -> None:
    off = IntegrationChange(is_active=False)
    await sent.town.core.act(sent.town.bob.actor, change_integration, sent.hooks[0], off)


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
        (_off, "pending", "channel_off"),
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


START = NOW + dt.timedelta(hours=2)
TOLD_AFTER_CANCELLATION = {"cancelled", "message"}
UNTIL_START = {"reminder_1day", "reminder_1hour"}
NEVER_STALE = {"confirm_channel", "channel_disabled", "verify", "sign_in"}


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

    asks = kind in {"confirm", "confirm_channel", "verify", "sign_in"}
    assert code() == ""
    assert code(subscription="ended") == "left"
    assert code(subscription="paused") == "paused"
    assert code(subscription="unconfirmed") == ("" if kind == "confirm" else "unconfirmed")
    assert code(subscription=None) == "left"
    assert code(subscription=None, has_subscription=False) == ""
    # Who asks for a way in wants that one mail, whatever else they want no more of.
    assert code(suppressed=True) == ("" if kind == "sign_in" else "suppressed")
    assert code(removed=True) == "channel_removed"
    assert code(active=False) == ("" if asks else "channel_off")


# Attempts


async def test_attempts_wait_longer_each_time_and_the_last_is_dead(town: Town) -> None:
    sent = await sent_to(town)
    for attempt, wait in enumerate((10, 120, 900), start=1):
        (claimed,) = await sent.claim()
        at = sent.now
        await sent.ledger.record([Result(claimed, LATER)], at)
        row = await sent.row()
        assert (row.status, row.attempts, row.code, row.reason) == ("queued", attempt, "http_500", "It is in trouble.")
        assert row.next_attempt_at == at + dt.timedelta(seconds=wait)
        assert await sent.claim() == []
        sent.pass_(seconds=wait + 1)
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, LATER)], sent.now)
    row = await sent.row()
    assert (row.status, row.attempts) == ("dead", 4)
    report = await sent.ledger.settle(sent.id, sent.now)
    assert (report.failed, report.next_attempt_at, await sent.closed()) == (1, None, True)


async def test_a_deferral_uses_no_attempt_up_and_is_given_up_after_three_days(town: Town) -> None:
    sent = await sent_to(town, start=town.in_(days=9))
    for _ in range(6):
        (claimed,) = await sent.claim()
        at = sent.now
        await sent.ledger.record([Result(claimed, BUSY)], at)
        row = await sent.row()
        assert (row.status, row.attempts) == ("queued", 0)
        wait = row.next_attempt_at - at
        assert dt.timedelta(seconds=60) <= wait < dt.timedelta(seconds=120)
        sent.pass_(seconds=wait.total_seconds() + 1)
    (channel,) = await rows(town.core, select(Integration).where(Integration.id == sent.hooks[0]))
    assert channel.failures == 0
    sent.pass_(days=3)
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, BUSY)], sent.now)
    assert (await sent.row()).status == "dead"


async def test_who_always_asks_for_an_instant_is_asked_less_and_less_often(town: Town) -> None:
    sent = await sent_to(town, start=town.in_(days=9))
    waits = []
    for _ in range(12):
        (claimed,) = await sent.claim()
        at = sent.now
        hasty = Outcome(False, "http_429", "It asked to wait.", deferred=True, retry_after=0.01)
        await sent.ledger.record([Result(claimed, hasty)], at)
        waits.append(((await sent.row()).next_attempt_at - at).total_seconds())
        sent.pass_(seconds=waits[-1] + 0.1)
    assert waits[0] >= 5
    assert waits == sorted(waits)
    assert waits[-1] > 20


async def test_what_was_flushed_or_retried_after_days_gets_all_its_attempts(town: Town) -> None:
    sent = await sent_to(town, start=town.in_(days=9))
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, GONE)], sent.now)
    sent.pass_(days=4)
    await town.core.act(town.alice.actor, retry, sent.id)
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, LATER)], sent.now)
    assert ((await sent.row()).status, (await sent.row()).attempts) == ("queued", 1)


async def test_a_permanent_failure_is_dead_at_once(town: Town) -> None:
    sent = await sent_to(town)
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, GONE)], sent.now)
    row = await sent.row()
    assert (row.status, row.attempts, row.reason) == ("dead", 1, "It is gone for good.")


async def test_failures_of_a_channel_are_counted_and_a_delivery_clears_them(town: Town) -> None:
    sent = await sent_to(town)
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, LATER)], sent.now)
    (channel,) = await rows(town.core, select(Integration).where(Integration.id == sent.hooks[0]))
    assert (channel.failures, channel.last_error) == (1, "It is in trouble.")
    sent.pass_(seconds=11)
    (claimed,) = await sent.claim()
    await sent.ledger.record([Result(claimed, OK)], sent.now)
    (channel,) = await rows(town.core, select(Integration).where(Integration.id == sent.hooks[0]))
    assert (channel.failures, channel.last_error) == (0, None)
    row = await sent.row()
    assert (row.status, row.attempts, row.code, row.reason) == ("delivered", 2, "ok", None)
    assert row.sent_at is not None


# Settling


async def test_settling_closes_when_nothing_is_open_and_says_when_to_look_again(town: Town) -> None:
    sent = await sent_to(town, 2)
    one, two = await sent.claim()
    at = sent.now
    await sent.ledger.record([Result(one, OK), Result(two, LATER)], at)
    report = await sent.ledger.settle(sent.id, at)
    assert (report.delivered, report.waiting, await sent.closed()) == (1, 1, False)
    assert report.next_attempt_at == (at + dt.timedelta(seconds=10)).isoformat()
    sent.pass_(seconds=11)
    (two,) = await sent.claim()
    await sent.ledger.record([Result(two, OK)], sent.now)
    report = await sent.ledger.settle(sent.id, sent.now)
    assert (report.delivered, report.waiting, report.next_attempt_at, await sent.closed()) == (2, 0, None, True)


async def test_what_waited_for_its_channel_opens_its_message_again(town: Town) -> None:
    sent = await sent_to(town)
    await _off(sent)
    await sent.claim()
    await sent.ledger.settle(sent.id, sent.now)
    assert await sent.closed()
    on = IntegrationChange(is_active=True)
    await town.core.act(town.bob.actor, change_integration, sent.hooks[0], on)
    assert not await sent.closed()
    assert len(await sent.claim()) == 1


async def test_a_removed_channel_leaves_nothing_to_flush(town: Town) -> None:
    sent = await sent_to(town)
    await _off(sent)
    await sent.claim()
    await town.core.act(town.bob.actor, remove_integration, sent.hooks[0])
    assert (await sent.row()).status == "skipped"
    on = IntegrationChange(is_active=True)
    await refusal(town.core.act(town.bob.actor, change_integration, sent.hooks[0], on), Code.NOT_FOUND)


async def test_a_cancelled_event_sends_its_cancellation_and_messages_and_nothing_older(town: Town) -> None:
    sent = await sent_to(town)
    await town.core.act(town.alice.actor, cancel_event, sent.event.id, Cancellation())
    assert len(await sent.claim()) == 1
    (event,) = await rows(town.core, select(Event))  # type: ignore[type-var]
    query = select(Notification).where(Notification.event_id == event.id).order_by(Notification.id)
    claims = {each.kind: await sent.ledger.claim(each.id, 10, sent.now) for each in await rows(town.core, query)}
    assert {kind for kind, claim in claims.items() if claim.recipients} == {"cancelled"}
