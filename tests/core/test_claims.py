"""Claiming: who may send which row, and that nobody else does."""

import datetime as dt

import pytest
from sqlalchemy import update

from core.db.models import Delivery
from core.delivery.message import OK
from core.notifications.ledger import Result
from core.operations.pause import pause_sending, resume_sending
from tests.core.sent import GONE, LATER, ledger_of, sent_to
from tests.people import OPERATOR, Town

pytestmark = pytest.mark.both_databases


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
