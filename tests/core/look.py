"""What tests of the core look at: every table's rows, the audit, the statements a use case costs."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterator
from functools import cache
from typing import Any, TypeVar

import pytest
from sqlalchemy import Select, event, func, select

from core.db.models import AuditEntry, Base, Delivery, Event, EventUpdate, Integration, Notification, Subscription
from core.errors import Code, SoonishError
from core.events.duties import event_duties
from core.events.model import EventView
from core.work import Actor, Core
from tests.people import Town

T = TypeVar("T")
Row = TypeVar("Row", Subscription, Integration, Notification, Delivery, EventUpdate, AuditEntry)

NOBODY = Actor(None, "web", "203.0.113.9")


async def table_sizes(core: Core, *, without: tuple[str, ...] = ("audit_log",)) -> dict[str, int]:
    """Rows of every table but the audit, counted in one statement: some tests ask a hundred times."""
    async with core.db.read_rows() as connection:
        counted = (await connection.execute(_counting(without))).one()
    return dict(counted._mapping)


@cache
def _counting(without: tuple[str, ...]) -> Select[*tuple[int, ...]]:
    tables = [table for table in Base.metadata.sorted_tables if table.name not in without]
    return select(*(select(func.count()).select_from(table).scalar_subquery().label(table.name) for table in tables))


async def rows(core: Core, query: Select[Row]) -> list[Row]:
    async with core.db.read() as session:
        return list(await session.scalars(query))


async def audit(core: Core) -> list[AuditEntry]:
    return await rows(core, select(AuditEntry).order_by(AuditEntry.id))


async def notifications(town: Town, about: EventView, *kinds: str) -> list[Notification]:
    query = (
        select(Notification)
        .join(Event, Event.id == Notification.event_id)
        .where(Event.public_id == about.id)
        .order_by(Notification.id)
    )
    return await rows(town.core, query.where(Notification.kind.in_(kinds)) if kinds else query)


async def deliveries(core: Core, notification_id: int) -> list[Delivery]:
    query = select(Delivery).where(Delivery.notification_id == notification_id).order_by(Delivery.id)
    return await rows(core, query)


async def subscriptions(town: Town, about: EventView) -> list[Subscription]:
    query = select(Subscription).join(Event, Event.id == Subscription.event_id).where(Event.public_id == about.id)
    return await rows(town.core, query.order_by(Subscription.id))


async def the_one(town: Town, event: EventView) -> Subscription:
    (row,) = await subscriptions(town, event)
    return row


async def states(town: Town, event: EventView) -> list[str]:
    return [row.state for row in await subscriptions(town, event)]


async def mails_that_ask(town: Town, event: EventView) -> int:
    return sum([len(await deliveries(town.core, each.id)) for each in await notifications(town, event, "confirm")])


async def timeline(town: Town, about: EventView) -> list[EventUpdate]:
    query = select(EventUpdate).join(Event, Event.id == EventUpdate.event_id).where(Event.public_id == about.id)
    return await rows(town.core, query.order_by(EventUpdate.id))


async def duties(town: Town, event: EventView) -> list[int]:
    found = await town.core.step(event_duties, (await town.row(event)).id)
    assert found is not None
    return found.owed


async def refusal(doing: Awaitable[Any], code: Code) -> SoonishError:
    """The refusal that this ends with."""
    with pytest.raises(SoonishError) as refused:
        await doing
    assert refused.value.code is code, refused.value
    assert refused.value.message.endswith(".")
    return refused.value


async def refused_without_a_trace(core: Core, doing: Awaitable[Any], code: Code) -> SoonishError:
    """Refused without any change, but for one audit row that says so if it was somebody with an account."""
    before, written = await table_sizes(core), len(await audit(core))
    found = await refusal(doing, code)
    assert await table_sizes(core) == before
    new = (await audit(core))[written:]
    assert [row.outcome for row in new] in ([], [str(code)])
    assert all(row.actor_user_id is not None for row in new)
    return found


@contextlib.asynccontextmanager
async def one_audit_row(core: Core, action: str) -> AsyncIterator[None]:
    """What happens inside writes exactly one audit row: this action, done."""
    before = len(await audit(core))
    yield
    assert [(row.action, row.outcome) for row in (await audit(core))[before:]] == [(action, "done")]


@contextlib.contextmanager
def statements(core: Core) -> Iterator[list[str]]:
    """Every statement that reaches the database meanwhile, BEGIN left out."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if not sql.startswith("BEGIN"):
            seen.append(sql)

    engine = core.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextlib.contextmanager
def transactions(core: Core) -> Iterator[list[str]]:
    """Every one that begins meanwhile."""
    seen: list[str] = []

    def note(_connection: Any) -> None:
        seen.append("begun")

    engine = core.db.engine.sync_engine
    event.listen(engine, "begin", note)
    try:
        yield seen
    finally:
        event.remove(engine, "begin", note)
