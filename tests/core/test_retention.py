"""Every table has a rule by which it empties, or a reason why not; and what a rule erases, nobody needs any more."""

import datetime as dt

import pytest
from sqlalchemy import UniqueConstraint, func, select, update

from core.accounts.users import vouch
from core.cards.announcements import forget_space
from core.db.models import (
    Base,
    Bucket,
    Delivery,
    EventAnnouncement,
    EventGrant,
    EventInvitation,
    Integration,
    Notification,
    OutboxRow,
    StoredRequest,
    Subscription,
    Token,
    User,
)
from core.events.model import NewEvent
from core.events.usecases import create_event
from core.integrations.usecases import remove_integration
from core.invitations.accept import accept_invitation
from core.invitations.model import NewLink
from core.invitations.offer import invite, revoke_invitation
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.privacy.erase import erase_account, erase_address
from core.subscriptions.leave import end_mine, remove_subscriber, unsubscribe
from core.tokens import address_token
from core.upkeep import AT_ONCE, RULES, STAYS, tidy, tidy_all
from core.work import Once
from tests.core.look import NOBODY, rows, statements, table_sizes
from tests.core.steps import DAY, joined, leave_link
from tests.core.test_cards import GENERAL, announced
from tests.people import OPERATOR, Town


async def count(town: Town, table: type[Base]) -> int:
    async with town.core.db.read() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


def test_no_table_grows_without_a_rule() -> None:
    ruled = {rule.table.__tablename__ for rule in RULES.values()}
    assert set(Base.metadata.tables) - ruled - set(STAYS) == set()
    assert (ruled | set(STAYS)) <= set(Base.metadata.tables)
    assert ruled & set(STAYS) == set()


async def test_what_a_year_leaves_behind_is_gone_after_another(town: Town) -> None:
    """An event with everything about it, long over: the event and its people stay, all else goes."""
    event = await town.event(is_public=False)
    link = await town.core.act(town.alice.actor, invite, event.id, NewLink(kind="link"))
    assert link.link is not None
    await town.core.act(town.bob.actor, accept_invitation, link.link.rpartition("/")[2])
    await town.follow(town.bob, event)
    public = await town.event()
    row = await joined(town, public)
    await town.core.act(NOBODY, unsubscribe, leave_link(town, row))
    hook = await town.channel(town.carol, "json://192.0.2.7/x")
    await town.core.act(town.carol.actor, remove_integration, hook)
    await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    async with town.core.db.write() as session:
        await session.execute(update(OutboxRow).values(relayed_at=town.clock.now()))
    for days in (900, 931):  # forgotten at first, and then gone
        town.clock.shift = days * DAY
        await tidy_all(town.core)
    # An account keeps sight of what it was let into.
    left = {name: size for name, size in (await table_sizes(town.core, without=())).items() if size}
    assert left == {
        "users": 3, "integrations": 3, "tokens": 3, "events": 2, "event_updates": 1, "event_grants": 1,
        "event_invitations": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("days", "left"), [(1, 1), (2, 0)])
async def test_answers_and_counters_go_when_their_time_is_over(town: Town, days: int, left: int) -> None:
    new = NewEvent(name="Chess", start_date=town.in_(days=2))
    await town.core.act_once(Once("1:POST", "key", "hash"), town.alice.actor, create_event, new)
    assert await count(town, Bucket) == 1
    town.clock.shift = days * DAY - dt.timedelta(minutes=1)
    await town.core.step(tidy)
    assert (await count(town, StoredRequest), await count(town, Bucket)) == (left, left)


@pytest.mark.parametrize(("days", "left"), [(399, 1), (401, 0)])
async def test_a_message_goes_with_its_last_delivery_and_the_page_keeps_what_was_said(
    town: Town, days: int, left: int
) -> None:
    event = await town.event(town.in_(days=500))
    await town.follow(town.bob, event)
    await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    async with town.core.db.write() as session:
        await session.execute(update(OutboxRow).values(relayed_at=town.clock.now()))
    town.clock.shift = days * DAY
    await tidy_all(town.core)
    assert len(await rows(town.core, select(Notification).where(Notification.kind == "message"))) == left
    assert (await table_sizes(town.core))["event_updates"] == 1


@pytest.mark.parametrize(("days", "left"), [(399, 1), (401, 0)])
async def test_an_ended_subscription_goes_after_four_hundred_days(town: Town, days: int, left: int) -> None:
    (row,) = await town.follow(town.bob, await town.event(town.in_(days=900)))
    await town.core.act(town.bob.actor, end_mine, row.id)
    town.clock.shift = days * DAY
    await tidy_all(town.core)
    assert await count(town, Subscription) == left


@pytest.mark.parametrize(("days", "left"), [(402, 1), (405, 0)])
async def test_a_subscription_goes_four_hundred_days_after_its_event(town: Town, days: int, left: int) -> None:
    await town.follow(town.bob, await town.event(town.in_(days=3)))
    town.clock.shift = days * DAY
    await tidy_all(town.core)
    assert await count(town, Subscription) == left


async def test_a_removal_counts_for_as_long_as_the_event_is_to_come(town: Town) -> None:
    event = await town.event(town.in_(days=900))
    (row,) = await town.follow(town.bob, event)
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    town.clock.shift = 890 * DAY
    await tidy_all(town.core)
    assert await count(town, Subscription) == 1


async def test_a_live_subscription_to_what_is_to_come_is_never_touched(town: Town) -> None:
    await town.follow(town.bob, await town.event(town.in_(days=900)))
    town.clock.shift = 890 * DAY
    await tidy_all(town.core)
    assert [row.state for row in await rows(town.core, select(Subscription))] == ["active"]


@pytest.mark.parametrize(("days", "left"), [(119, 1), (121, 0)])
async def test_an_invitation_goes_ninety_days_after_its_end(town: Town, days: int, left: int) -> None:
    event = await town.event(town.in_(days=500))
    await town.core.act(town.alice.actor, invite, event.id, NewLink(kind="link", expires_in_days=30))
    town.clock.shift = days * DAY
    await tidy_all(town.core)
    assert await count(town, EventInvitation) == left


async def test_access_that_was_taken_back_is_remembered_while_its_invitation_is_open(town: Town) -> None:
    event = await town.event(town.in_(days=500), is_public=False)
    link = await town.core.act(town.alice.actor, invite, event.id, NewLink(kind="link", expires_in_days=200))
    assert link.link is not None
    await town.core.act(town.bob.actor, accept_invitation, link.link.rpartition("/")[2])
    await town.core.act(town.alice.actor, revoke_invitation, event.id, link.id)
    for days, left in ((199, 1), (201, 0)):
        town.clock.shift = days * DAY
        await tidy_all(town.core)
        assert await count(town, EventGrant) == left


@pytest.mark.parametrize(("days", "left"), [(29, 4), (31, 3)])
async def test_a_removed_channel_goes_after_thirty_days_when_nothing_names_it(town: Town, days: int, left: int) -> None:
    hook = await town.channel(town.bob, "json://192.0.2.7/x")
    await town.core.act(town.bob.actor, remove_integration, hook)
    town.clock.shift = days * DAY
    await tidy_all(town.core)
    assert await count(town, Integration) == left


@pytest.mark.parametrize(("days", "left"), [(29, 2), (31, 1), (399, 1), (410, 0)])
async def test_a_card_goes_thirty_days_after_it_is_gone_or_a_year_after_its_event(
    town: Town, days: int, left: int
) -> None:
    event = await town.event()
    deleted = GENERAL.model_copy(update={"channel_id": "601"})
    await announced(town, event, deleted)
    await announced(town, event)
    assert await town.core.step(forget_space, deleted.platform, deleted.tenant_id, deleted.channel_id) == 1
    town.clock.shift = days * DAY
    await tidy_all(town.core)
    assert await count(town, EventAnnouncement) == left


async def test_a_removed_channel_stays_while_the_ledger_names_it(town: Town) -> None:
    event = await town.event()
    hook = await town.channel(town.bob, "json://192.0.2.7/x")
    await town.follow(town.bob, event, hook)
    await town.core.act(town.bob.actor, remove_integration, hook)
    town.clock.shift = 100 * DAY
    await tidy_all(town.core)
    assert await count(town, Integration) == 4
    assert await rows(town.core, select(Delivery)) != []


async def test_the_row_of_an_erased_account_goes_when_nothing_refers_to_it(town: Town) -> None:
    # Carol leaves a channel alone, which is kept a month; alice an event, which stays.
    await town.event(town.in_(days=1))
    town.clock.shift = 2 * DAY
    await town.core.act(town.carol.actor, erase_account)
    await town.core.act(town.alice.actor, erase_account)
    await tidy_all(town.core)
    assert await count(town, User) == 3
    town.clock.shift = 900 * DAY
    await tidy_all(town.core)
    assert {row.display_name for row in await _users(town)} == {"Somebody who left", "Bob"}


async def _users(town: Town) -> list[User]:
    async with town.core.db.read() as session:
        return list(await session.scalars(select(User)))


async def test_an_erased_address_leaves_no_row_in_the_end(town: Town) -> None:
    row = await joined(town, await town.event(town.in_(days=3)))
    await town.core.act(NOBODY, erase_address, address_token(town.core.keys, row.integration_id))
    town.clock.shift = 900 * DAY
    async with town.core.db.write() as session:
        await session.execute(update(OutboxRow).values(relayed_at=row.created_at))
    await tidy_all(town.core)
    assert await rows(town.core, select(Integration).where(Integration.user_id.is_(None))) == []


async def test_a_token_with_an_end_goes_a_week_after_it_and_one_without_stays(town: Town) -> None:
    issued = await town.core.act(OPERATOR, vouch, "dora@example.org")
    async with town.core.db.write() as session:
        await session.execute(
            update(Token).where(Token.user_id == issued.user_id).values(expires_at=town.clock.now() + DAY)
        )
    for days, left in ((7, 4), (9, 3)):
        town.clock.shift = days * DAY
        await town.core.step(tidy)
        assert await count(town, Token) == left


async def test_each_rule_takes_a_bounded_bite(town: Town) -> None:
    """A big database is not locked: what a rule erases in one transaction is limited in the statement itself."""
    town.clock.shift = 900 * DAY
    bounded = {"openings"}  # of development alone, a handful
    for name, rule in RULES.items():
        if name not in bounded:
            with statements(town.core) as seen:
                await town.core.step(rule.erase)
            assert "LIMIT" in seen[0], name
    assert AT_ONCE <= 5_000


def test_what_time_erases_is_looked_for_by_an_index_wherever_it_may_be_named() -> None:
    """Deleting a row asks every table that may refer to it, whoever wrote the statement: never by reading it whole."""
    erased = {rule.table.__tablename__ for rule in RULES.values()}
    for table in Base.metadata.sorted_tables:
        keys = [index.columns for index in table.indexes]
        keys += [each.columns for each in table.constraints if isinstance(each, UniqueConstraint)]
        found = {next(iter(columns)).name for columns in keys}
        for column in table.columns:
            if any(key.column.table.name in erased for key in column.foreign_keys):
                assert column.name in found, f"{table.name}.{column.name}"
