"""What has expired is erased, and nothing before it."""

import datetime as dt

import pytest
from sqlalchemy import select

from core.db.models import Delivery, DeliveryOpening, Notification, OutboxRow
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.subscriptions.leave import end_mine
from core.upkeep import tidy
from tests.core.look import audit, rows, table_sizes
from tests.people import Town

DAY = dt.timedelta(days=1)


async def test_a_young_database_loses_nothing(town: Town) -> None:
    event = await town.event()
    await town.follow(town.bob, event)
    before = await table_sizes(town.core, without=())
    assert not any((await town.core.step(tidy)).values())
    assert await table_sizes(town.core, without=()) == before


@pytest.mark.parametrize(("days", "left"), [(6, 2), (8, 1)])
async def test_rings_that_were_relayed_go_after_a_week_and_the_others_stay(town: Town, days: int, left: int) -> None:
    event = await town.event()
    await town.follow(town.bob, event)
    async with town.core.db.write() as session:
        first = (await session.scalars(select(OutboxRow).order_by(OutboxRow.id).limit(1))).one()
        first.relayed_at = town.clock.now()
    town.clock.shift = days * DAY
    await town.core.step(tidy)
    assert (await table_sizes(town.core))["outbox"] == left


async def test_deliveries_and_the_audit_are_kept_for_four_hundred_days(town: Town) -> None:
    event = await town.event()
    (row,) = await town.follow(town.bob, event)
    await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    await town.core.act(town.bob.actor, end_mine, row.id)
    before = await table_sizes(town.core, without=())
    town.clock.shift = 399 * DAY
    await town.core.step(tidy)
    assert len(await rows(town.core, select(Delivery))) == before["deliveries"]
    town.clock.shift = 401 * DAY
    done = await town.core.step(tidy)
    assert (done["deliveries"], done["audit"]) == (before["deliveries"], before["audit_log"])
    assert await rows(town.core, select(Delivery)) == []
    assert await audit(town.core) == []
    assert len(await rows(town.core, select(Notification))) == before["notifications"]


async def test_openings_close_by_themselves(town: Town) -> None:
    now = town.clock.now()
    async with town.core.db.write() as session:
        session.add(DeliveryOpening(network="127.0.0.1/32", port=1, expires_at=now + DAY, created_at=now))
    town.clock.shift = 2 * DAY
    assert (await town.core.step(tidy))["openings"] == 1


async def test_tidying_twice_is_tidying_once(town: Town) -> None:
    await town.event()
    town.clock.shift = 500 * DAY
    await town.core.step(tidy)
    assert not any((await town.core.step(tidy)).values())
