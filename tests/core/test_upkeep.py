"""What has expired is erased, and nothing before it."""

import datetime as dt

import pytest
from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from core.db.models import AuditEntry, Delivery, DeliveryOpening, Integration, Notification, OutboxRow, Subscription
from core.events.model import EventView
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.settings import Settings
from core.subscriptions.confirm import confirm
from core.subscriptions.join import subscribe_by_email
from core.subscriptions.leave import end_mine, unsubscribe
from core.subscriptions.model import SubscribeByEmail
from core.tokens import ConfirmToken, UnsubscribeToken, confirm_token, unsubscribe_token
from core.upkeep import AT_ONCE, tidy, tidy_all
from tests.core.look import NOBODY, audit, rows, subscriptions, table_sizes
from tests.people import Town

pytestmark = pytest.mark.both_databases

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


async def test_deliveries_with_their_messages_and_the_audit_are_kept_for_four_hundred_days(town: Town) -> None:
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
    assert await rows(town.core, select(Notification)) == []


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


async def test_a_backlog_is_erased_in_one_go_by_short_transactions(town: Town) -> None:
    old = town.clock.now() - 500 * DAY
    async with town.core.db.write() as session:
        before = len(list(await session.scalars(select(AuditEntry.id))))
        session.add_all(
            AuditEntry(created_at=old, via="cli", action="x", subject="", outcome="done", detail={})
            for _ in range(AT_ONCE + 1)
        )
    town.clock.shift = dt.timedelta(seconds=1)
    # Ids ascend with time; these were written last, so everything before them must be gone or old as well.
    async with town.core.db.write() as session:
        for row in await session.scalars(select(AuditEntry).order_by(AuditEntry.id).limit(before)):
            row.created_at = old
    assert (await tidy_all(town.core))["audit"] == AT_ONCE + 1 + before
    assert not any((await tidy_all(town.core)).values())


async def _nora(town: Town) -> Integration:
    (channel,) = await rows(town.core, select(Integration).where(Integration.user_id.is_(None)))
    return channel


async def _joined(town: Town, event: EventView) -> Subscription:
    await town.core.act(NOBODY, subscribe_by_email, event.id, SubscribeByEmail(email="nora@example.org"))
    (row,) = await subscriptions(town, event)
    link = ConfirmToken("subscription", row.id, int(row.requested_at.timestamp()))
    await town.core.act(NOBODY, confirm, confirm_token(town.core.keys, link))
    return row


async def test_an_address_that_left_is_forgotten_after_thirty_days_and_may_come_back(town: Town) -> None:
    event = await town.event(town.in_(days=200))
    row = await _joined(town, event)
    town.clock.shift = 100 * DAY
    link = unsubscribe_token(town.core.keys, UnsubscribeToken(row.event_id, row.integration_id))
    await town.core.act(NOBODY, unsubscribe, link)
    town.clock.shift = 129 * DAY
    assert (await tidy_all(town.core))["addresses"] == 0
    town.clock.shift = 131 * DAY
    assert (await tidy_all(town.core))["addresses"] == 1
    assert town.core.keys.open((await _nora(town)).apprise_url) == ""
    await _joined(town, event)
    assert "nora" in town.core.keys.open((await _nora(town)).apprise_url)


async def test_an_address_is_forgotten_thirty_days_after_the_grace_of_the_last_event_it_follows(town: Town) -> None:
    await _joined(town, await town.event(town.in_(days=10)))
    town.clock.shift = 69 * DAY
    assert (await tidy_all(town.core))["addresses"] == 0
    town.clock.shift = 71 * DAY
    assert (await tidy_all(town.core))["addresses"] == 1
    assert (await _nora(town)).label == "•••"


async def test_a_subscription_is_never_erased_before_its_deliveries(town: Town) -> None:
    (row,) = await town.follow(town.bob, await town.event())
    with pytest.raises(IntegrityError):
        async with town.core.db.write() as session:
            await session.execute(delete(Subscription).where(Subscription.id == row.id))


@pytest.mark.parametrize(
    "name", [name for name in Settings.model_fields if name.startswith(("retention", "subscribe"))]
)
def test_a_limit_or_a_retention_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, **{name: 0})  # type: ignore[arg-type]


def test_the_settings_never_show_the_databases_password() -> None:
    assert "hunter2" not in repr(Settings(_env_file=None, database_url="postgresql+psycopg://me:hunter2@db/soonish"))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("default_timezone", "", "Europe/Berlin"), ("default_timezone", "Mars/Phobos", "Europe/Berlin"),
     ("temporal_url", "temporal.internal", "host:port"), ("temporal_url", "http://temporal:7233", "host:port"),
     ("database_url", "postgres://db/soonish", "postgresql[+]psycopg")],
)  # fmt: skip
def test_a_setting_that_cannot_work_is_refused_at_the_start_with_what_to_write(
    name: str, value: str, words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings(_env_file=None, **{name: value})  # type: ignore[arg-type]
