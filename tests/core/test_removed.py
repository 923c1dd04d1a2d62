"""Removed by the organizer: told nothing, let back by the organizer alone."""

import pytest
from sqlalchemy import select

from core.db.models import Event, EventGrant
from core.errors import Code
from core.events.changes import change_event
from core.events.model import EventChange, EventView
from core.events.usecases import get_event
from core.invitations.accept import accept_invitation
from core.invitations.model import NewLink
from core.invitations.offer import invite, revoke_invitation
from core.operations.seed import seed
from core.subscriptions import leave
from core.subscriptions.join import subscribe_by_channel, subscribe_by_email
from core.subscriptions.leave import (
    in_steps,
    let_back,
    let_back_found,
    let_back_subscribers,
    remove_found,
    remove_subscriber,
    remove_subscribers,
)
from core.subscriptions.model import SubscribeByChannel, SubscribeByEmail
from core.subscriptions.views import event_subscriptions
from tests.core.look import (
    NOBODY,
    audit,
    mails_that_ask,
    one_audit_row,
    refusal,
    refused_without_a_trace,
    statements,
    states,
    table_sizes,
)
from tests.core.steps import DAY, ask, edit, joined
from tests.people import EVERYTHING, OPERATOR, Town

pytestmark = pytest.mark.both_databases


async def test_only_the_organizer_lets_back_whom_they_removed_and_nothing_is_sent(town: Town) -> None:
    event = await town.event()
    hook = await town.channel(town.bob, "json://192.0.2.7/hook")
    mail, other = (await town.follow(town.bob, event))[0], (await town.follow(town.bob, event, hook))[0]
    for row in (mail, other):
        await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    listed = await town.core.ask(town.alice.actor, event_subscriptions, event.id, EVERYTHING, removed=True)
    assert {row.id for row in listed.items} == {mail.id, other.id}
    for stranger in (town.bob, town.carol):
        doing = town.core.act(stranger.actor, let_back, event.id, mail.id)
        await refused_without_a_trace(town.core, doing, Code.FORBIDDEN)
    before = await table_sizes(town.core)
    async with one_audit_row(town.core, "let_back"):
        await town.core.act(town.alice.actor, let_back, event.id, mail.id)
    assert await table_sizes(town.core) == before
    assert await states(town, event) == ["ended", "ended"]
    assert [row.state for row in await town.follow(town.bob, event, hook)] == ["active"]
    listed = await town.core.ask(town.alice.actor, event_subscriptions, event.id, EVERYTHING, removed=True)
    assert listed.items == []


async def test_whom_the_organizer_removed_is_not_told_and_cannot_come_back_by_themselves(town: Town) -> None:
    event = await town.event()
    hook = await town.channel(town.bob, "json://192.0.2.7/hook")
    (row,) = await town.follow(town.bob, event)
    before = (await table_sizes(town.core))["notifications"]
    async with one_audit_row(town.core, "remove_subscriber"):
        await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    assert (await table_sizes(town.core))["notifications"] == before
    for way in (SubscribeByChannel(), SubscribeByChannel(integration_ids=[hook])):
        await refused_without_a_trace(
            town.core,
            town.core.act(town.bob.actor, subscribe_by_channel, event.id, way),
            Code.FORBIDDEN,
        )
    await ask(town, event, town.bob.email)
    assert await mails_that_ask(town, event) == 0
    assert await states(town, event) == ["ended"]


async def test_an_address_that_was_removed_cannot_come_back_through_an_account_either(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event, town.bob.email)
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    town.clock.shift = 2 * DAY
    await ask(town, event, town.bob.email)
    assert await mails_that_ask(town, event) == 1
    await refusal(town.core.act(town.bob.actor, subscribe_by_channel, event.id, SubscribeByChannel()), Code.FORBIDDEN)


async def test_a_subscription_of_another_event_cannot_be_removed_through_ones_own(town: Town) -> None:
    event, other = await town.event(), await town.event()
    (row,) = await town.follow(town.bob, other)
    await refused_without_a_trace(
        town.core, town.core.act(town.alice.actor, remove_subscriber, event.id, row.id), Code.NOT_FOUND
    )


async def test_who_was_removed_on_an_account_does_not_come_back_by_the_address_alone(town: Town) -> None:
    event = await town.event()
    hook = await town.channel(town.bob, "json://192.0.2.7/bob")
    (row,) = await town.follow(town.bob, event, hook)
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    await town.core.act(NOBODY, subscribe_by_email, event.id, SubscribeByEmail(email=town.bob.email))
    assert await states(town, event) == ["ended"]


async def test_who_was_removed_as_an_address_does_not_come_back_by_the_account_that_owns_it(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event, town.bob.email)
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    hook = await town.channel(town.bob, "json://192.0.2.7/bob")
    request = SubscribeByChannel(integration_ids=[hook])
    await refusal(town.core.act(town.bob.actor, subscribe_by_channel, event.id, request), Code.FORBIDDEN)


@pytest.mark.parametrize("public", [True, False])
async def test_removing_and_letting_back_many_asks_the_database_as_often_as_for_two(town: Town, public: bool) -> None:
    asked = []
    for many in (2, 40):
        event, alice = await town.event(), town.alice.actor
        await seed(town.core, OPERATOR, event.id, many, f"mailto://of{many}-{{n}}@example.org", lambda *_: None)
        if not public:
            await town.core.act(alice, change_event, event.id, EventChange(is_public=False))
        newest = (await town.core.ask(alice, event_subscriptions, event.id, EVERYTHING)).items[0].id
        for act, action in ((remove_found, "remove_found"), (let_back_found, "let_back_found")):
            async with one_audit_row(town.core, action):
                with statements(town.core) as seen:
                    assert await town.core.act(alice, act, event.id, "", newest) == many
            asked.append(len(seen))
    assert asked[:2] == asked[2:]


async def test_who_is_removed_from_a_private_event_on_one_channel_is_out_on_all_and_let_back_on_all(town: Town) -> None:
    event, alice = await town.event(), town.alice.actor
    hook = await town.channel(town.bob, "json://192.0.2.7/hook")
    (by_hook,) = await town.follow(town.bob, event, hook)
    for who in (town.bob, town.carol):
        await town.follow(who, event)
    await town.core.act(alice, change_event, event.id, EventChange(is_public=False))
    assert await town.core.act(alice, remove_found, event.id, "webhook", by_hook.id) == 1
    assert sorted(await states(town, event)) == ["active", "ended", "ended"]
    await refusal(town.follow(town.bob, event), Code.NOT_FOUND)
    assert await town.core.act(alice, let_back_found, event.id, "", by_hook.id) == 1
    assert [row.state for row in await town.follow(town.bob, event)] == ["active"]


async def grants(town: Town, event: EventView) -> list[EventGrant]:
    """Those that let somebody in."""
    async with town.core.db.read() as session:
        found = await session.scalars(
            select(EventGrant)
            .join(Event, Event.id == EventGrant.event_id)
            .where(Event.public_id == event.id, EventGrant.revoked_at.is_(None))
        )
        return list(found)


async def test_who_was_never_removed_is_not_let_back_and_gets_no_grant_that_outlives_their_link(town: Town) -> None:
    event, alice = await town.event(is_public=False), town.alice.actor
    made = await town.core.act(alice, invite, event.id, NewLink(kind="link"))
    await town.core.act(town.bob.actor, accept_invitation, (made.link or "").rpartition("/")[2])
    (row,) = await town.follow(town.bob, event)
    for _ in range(3):
        await refused_without_a_trace(town.core, town.core.act(alice, let_back, event.id, row.id), Code.CONFLICT)
    assert await town.core.act(alice, let_back_subscribers, event.id, [row.id]) == 0
    assert len(await grants(town, event)) == 1
    await town.core.act(alice, revoke_invitation, event.id, made.id)
    await refusal(town.core.ask(town.bob.actor, get_event, event.id), Code.NOT_FOUND)
    assert await states(town, event) == ["ended"]


@pytest.mark.parametrize("at_once", [False, True])
async def test_whoever_is_let_back_has_one_grant_however_often_and_on_however_many_channels(
    town: Town, at_once: bool
) -> None:
    event, alice = await town.event(), town.alice.actor
    hook = await town.channel(town.bob, "json://192.0.2.7/hook")
    rows = [(await town.follow(town.bob, event, *channel))[0].id for channel in ((), (hook,))]
    if at_once:
        await town.core.act(alice, remove_subscribers, event.id, rows)
    else:  # the other one keeps a grant for as long as it follows
        await town.core.act(alice, remove_subscriber, event.id, rows[0])
    await edit(town, event, is_public=False)
    for _ in range(3):
        await town.core.act(alice, let_back, event.id, rows[0])
        await town.core.act(alice, let_back_subscribers, event.id, rows)
    (grant,) = await grants(town, event)
    assert (grant.user_id, grant.while_following) == (town.bob.actor.user_id, False)
    assert {row.state for row in await town.follow(town.bob, event)} == {"active"}


async def test_the_ticked_are_let_back_together_without_those_who_are_not_removed_or_not_there(
    town: Town,
) -> None:
    event, alice = await town.event(), town.alice.actor
    bob, carol = [(await town.follow(who, event))[0].id for who in (town.bob, town.carol)]
    nora = (await joined(town, event)).id
    await town.core.act(alice, remove_subscribers, event.id, [bob, carol])
    before = len(await audit(town.core))
    chosen = [carol, 987_654, nora, bob, bob]
    assert await in_steps(town.core, alice, let_back_subscribers, event.id, chosen) == 2
    (entry,) = (await audit(town.core))[before:]
    assert (entry.action, entry.detail) == ("let_back_subscribers", {"let_back": 2})
    assert await states(town, event) == ["ended", "ended", "active"]
    for who in (town.bob, town.carol):
        assert [row.state for row in await town.follow(who, event)] == ["active"]
    assert await in_steps(town.core, alice, let_back_subscribers, event.id, chosen) == 0
    await refusal(town.core.act(town.bob.actor, let_back_subscribers, event.id, [carol]), Code.FORBIDDEN)


async def test_however_many_are_ticked_one_transaction_takes_a_few(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leave, "AT_ONCE", 2)
    event, alice = await town.event(), town.alice.actor
    chosen = [(await joined(town, event, f"n{number}@example.org")).id for number in range(5)]
    for step, done in ((remove_subscribers, {"removed"}), (let_back_subscribers, {"let_back"})):
        await refusal(town.core.act(alice, step, event.id, chosen), Code.INVALID)
        before = len(await audit(town.core))
        assert await in_steps(town.core, alice, step, event.id, chosen) == 5
        entries = (await audit(town.core))[before:]
        assert sorted(next(iter(entry.detail.values())) for entry in entries) == [1, 2, 2]
        assert {name for entry in entries for name in entry.detail} == done
