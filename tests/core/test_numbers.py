"""The numbers of the service: counted by day, for the price of a few statements."""

import datetime as dt

import pytest
from sqlalchemy import insert, select, update

from core.db.models import AuditEntry, Delivery, Event, Subscription
from core.operators.numbers import DAYS, NumbersGauge, count_numbers
from core.operators.since import first_id
from tests.core.look import (
    rows,
    statements,
)
from tests.core.operating import dead
from tests.core.steps import DAY
from tests.people import OPERATOR, Town

pytestmark = pytest.mark.both_databases


async def test_every_number_of_the_service_is_counted_by_day(town: Town) -> None:
    await dead(town, 1)
    async with town.core.db.write() as session:
        await session.execute(update(Delivery).where(Delivery.status == "queued").values(status="delivered"))
        yesterday = town.clock.now() - DAY
        await session.execute(update(Event).values(created_at=yesterday))
    found = await town.core.ask(OPERATOR, count_numbers)
    assert len(found.days) == DAYS
    plots = {plot.title: plot for plot in found.plots}
    assert plots["Events made"].series[0].values[-2:] == [1.0, 0.0]
    assert plots["Subscriptions"].series[0].values[-1] == 1.0
    assert plots["Deliveries that arrived"].series[0].values[-1] == pytest.approx(66.7)  # created and welcome came
    by_kind = {each.name: each.values[-1] for each in plots["Channels that fail"].series}
    assert by_kind == {"E-mail": 0.0, "Webhook": 50.0}
    assert plots["Workflows that finished"].series[0].values[-1] == pytest.approx(33.3)
    assert plots["Deliveries that arrived"].series[0].values[0] is None


async def test_counting_costs_the_same_few_statements_however_much_there_is_and_is_shared(town: Town) -> None:
    gauge = NumbersGauge(town.core)
    with statements(town.core) as seen:
        first = await gauge.look()
        again = await gauge.look()
    counting = [sql for sql in seen if "GROUP BY" in sql]
    assert (len(counting), first is again) == (4, True)
    await dead(town, 6)
    town.clock.shift += dt.timedelta(minutes=6)
    with statements(town.core) as later:
        assert await gauge.look() is not first
    assert len([sql for sql in later if "GROUP BY" in sql]) == 4
    assert len(later) <= 40


async def test_nothing_that_names_anybody_is_in_the_numbers(town: Town) -> None:
    await dead(town, 1)
    said = (await town.core.ask(OPERATOR, count_numbers)).model_dump_json()
    assert [word for word in ("example.org", "Launch", "192.0.2", "Alice") if word in said] == []


@pytest.mark.parametrize("made", [0, 1, 2, 7, 100])
async def test_the_first_row_since_an_instant_is_found_without_an_index_over_times(town: Town, made: int) -> None:
    start = town.clock.now() + DAY
    fresh = [
        {"created_at": start + n * dt.timedelta(minutes=1), "via": "cli", "action": "x", "subject": "", "detail": {},
         "outcome": "done"}
        for n in range(made)
    ]  # fmt: skip
    async with town.core.db.write() as session:
        if fresh:
            await session.execute(insert(AuditEntry), fresh)
        ids = list(await session.scalars(select(AuditEntry.id).order_by(AuditEntry.id)))
        await session.execute(AuditEntry.__table__.delete().where(AuditEntry.id == ids[len(ids) // 2]))  # type: ignore[attr-defined]
        for moment in (start - 2 * DAY, start, start + made // 2 * dt.timedelta(minutes=1), start + DAY):
            first = await first_id(session, AuditEntry, moment)
            asked = (AuditEntry.id >= first, AuditEntry.created_at >= moment)
            later = [list(await session.scalars(select(AuditEntry.id).where(each))) for each in asked]
            assert sorted(later[0]) == sorted(later[1])
        await session.execute(AuditEntry.__table__.delete())  # type: ignore[attr-defined]
        assert await first_id(session, AuditEntry, start) == 1
    assert await rows(town.core, select(Subscription)) == []
