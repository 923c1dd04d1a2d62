"""What operators look at: channels, given-up deliveries and the audit, and never a name or address too many."""

import datetime as dt

import pytest
from sqlalchemy import func, select, update

from core.db.models import Delivery, Integration, Notification
from core.events.changes import cancel_event
from core.events.model import Cancellation
from core.operators.deliveries import Which, dead_deliveries, requeue_dead
from core.operators.looks import AuditFilter, audit_trail, channel_health
from core.pages import PageRequest
from tests.core.look import (
    audit,
    rows,
)
from tests.core.operating import dead, operator
from tests.core.steps import DAY, joined
from tests.people import EVERYTHING, Town

pytestmark = pytest.mark.both_databases
SPAM = Cancellation(reason="Spam.")


async def test_given_up_deliveries_are_counted_and_tried_again_by_kind_and_reason_within_a_bound(town: Town) -> None:
    boss = await operator(town)
    gone, down = await dead(town, 3), await dead(town, 2, "smtp_451")
    found = (await town.core.ask(boss, dead_deliveries)).items
    assert [(each.kind, each.code, each.number) for each in found] == [
        ("message", "http_410", 3), ("message", "smtp_451", 2),
    ]  # fmt: skip
    which = Which(kind="message", code="http_410", limit=2)
    first = await town.core.act(boss, requeue_dead, which)
    second = await town.core.act(boss, requeue_dead, which)
    third = await town.core.act(boss, requeue_dead, which)
    assert [(each.requeued, each.left) for each in (first, second, third)] == [(2, True), (1, False), (0, False)]
    due = await rows(town.core, select(Delivery).where(Delivery.notification_id == gone))
    assert {(row.status, row.attempts, row.code) for row in due} == {("queued", 0, None)}
    assert {row.status for row in await rows(town.core, select(Delivery).where(Delivery.notification_id == down))} == {
        "dead"
    }
    async with town.core.db.read() as session:
        assert (await session.get_one(Notification, gone)).closed_at is None


async def test_channels_are_shown_by_their_streaks_without_saying_where_they_lead(town: Town) -> None:
    boss = await operator(town)
    await dead(town, 2)
    async with town.core.db.write() as session:
        hooks = Integration.kind == "Webhook"
        await session.execute(update(Integration).where(hooks).values(failures=Integration.id, last_error="Gone."))
        last = (await session.scalars(select(func.max(Integration.id)))).one()
        await session.execute(update(Integration).where(Integration.id == last).values(disabled_reason="It is gone."))
    found = await town.core.ask(boss, channel_health)
    assert [each.failures for each in found.worst] == sorted((each.failures for each in found.worst), reverse=True)
    assert (found.worst[0].id, found.worst[0].disabled_reason) == (last, "It is gone.")
    said = found.model_dump_json()
    assert [word for word in ("192.0.2.7", "secret", "example.org", "Hook", "•") if word in said] == []
    assert {(each.kind, each.channels, each.failing, each.off) for each in found.kinds} >= {("Webhook", 2, 2, 1)}


async def test_the_audit_is_filtered_by_account_action_subject_and_day_and_read_in_pages(town: Town) -> None:
    boss = await operator(town)
    event = await town.event()
    town.clock.shift += DAY
    await joined(town, event)
    await town.core.act(town.alice.actor, cancel_event, event.id, SPAM)

    async def found(**wanted: object) -> list[str]:
        page = await town.core.ask(boss, audit_trail, AuditFilter.model_validate(wanted), EVERYTHING)
        return [each.action for each in page.items]

    subject = f"event:{(await town.row(event)).id}"
    assert await found(action="cancel_event") == ["cancel_event"]
    assert await found(subject=subject) == ["cancel_event", "subscribe_by_email", "create_event"]
    assert await found(actor=town.alice.actor.user_id) == ["cancel_event", "create_event"]
    assert "create_event" not in await found(since=town.clock.now() - dt.timedelta(hours=1))
    assert await found(until=town.clock.now() - dt.timedelta(hours=1), subject=subject) == ["create_event"]
    first = await town.core.ask(boss, audit_trail, AuditFilter(), PageRequest(limit=3))
    rest = await town.core.ask(boss, audit_trail, AuditFilter(), PageRequest(limit=100, cursor=first.next))
    assert len(first.items) + len(rest.items) == len(await audit(town.core))
    assert first.items[-1].id > rest.items[0].id
