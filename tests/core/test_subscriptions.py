"""Subscribing by channel: which channels follow, whose they are, and who sees them."""

import pytest
from pydantic import ValidationError

from core.errors import Code
from core.integrations.model import IntegrationChange
from core.integrations.usecases import change_integration
from core.subscriptions.instead import follow_instead
from core.subscriptions.join import subscribe_by_channel
from core.subscriptions.leave import change_mine, end_mine
from core.subscriptions.model import StateChange, SubscribeByChannel
from core.subscriptions.views import event_subscriptions, my_subscriptions
from tests.core.look import NOBODY, one_audit_row, refused_without_a_trace, subscriptions, table_sizes
from tests.core.steps import joined
from tests.people import EVERYTHING, Town


async def test_following_without_naming_a_channel_uses_the_default_one_and_is_audited_once(town: Town) -> None:
    event = await town.event()
    await town.channel(town.bob, "json://192.0.2.7/hook")
    async with one_audit_row(town.core, "subscribe_by_channel"):
        (row,) = await town.follow(town.bob, event)
    assert row.kind == "E-mail"


async def test_following_twice_changes_nothing_and_says_so(town: Town) -> None:
    event = await town.event()
    first = await town.core.act(town.bob.actor, subscribe_by_channel, event.id, SubscribeByChannel())
    before = await table_sizes(town.core)
    again = await town.core.act(town.bob.actor, subscribe_by_channel, event.id, SubscribeByChannel())
    assert (first.created, again.created) == (True, False)
    assert again.subscriptions == first.subscriptions
    assert await table_sizes(town.core) == before


async def test_channels_that_are_off_are_left_out_with_a_warning_and_none_left_is_refused(town: Town) -> None:
    event = await town.event()
    on = await town.channel(town.bob, "json://192.0.2.7/on", "On", "work")
    off = await town.channel(town.bob, "json://192.0.2.7/off", "Off", "work")
    await town.core.act(town.bob.actor, change_integration, off, IntegrationChange(is_active=False))
    answer = await town.core.act(town.bob.actor, subscribe_by_channel, event.id, SubscribeByChannel(tags=[" WORK "]))
    assert [row.integration_id for row in answer.subscriptions] == [on]
    assert answer.warnings == ["Off is switched off and was left out."]
    only_off = SubscribeByChannel(integration_ids=[off])
    await refused_without_a_trace(
        town.core, town.core.act(town.bob.actor, subscribe_by_channel, event.id, only_off), Code.INVALID
    )


async def test_unknown_tags_foreign_channels_and_empty_lists_are_refused(town: Town) -> None:
    event = await town.event()
    foreign = await town.channel(town.carol, "json://192.0.2.7/carol")
    for wrong, code in (
        (SubscribeByChannel(tags=["nope"]), Code.INVALID),
        (SubscribeByChannel(integration_ids=[foreign]), Code.NOT_FOUND),
        (SubscribeByChannel(integration_ids=[10**9]), Code.NOT_FOUND),
    ):
        await refused_without_a_trace(
            town.core,
            town.core.act(town.bob.actor, subscribe_by_channel, event.id, wrong),
            code,
        )
    for field in ("tags", "integration_ids"):
        with pytest.raises(ValidationError):
            SubscribeByChannel.model_validate({field: []})


async def test_nobody_in_particular_has_no_channels_to_follow_with(town: Town) -> None:
    event = await town.event()
    await refused_without_a_trace(
        town.core,
        town.core.act(NOBODY, subscribe_by_channel, event.id, SubscribeByChannel()),
        Code.UNAUTHENTICATED,
    )


async def test_the_same_end_point_under_two_tags_counts_once(town: Town) -> None:
    event = await town.event()
    one = await town.channel(town.bob, "json://192.0.2.7/hook", tag="one")
    two = await town.channel(town.bob, "json://192.0.2.7:80/hook", tag="two")
    assert [row.integration_id for row in await town.follow(town.bob, event, one, two)] == [one]
    assert [row.integration_id for row in await town.follow(town.bob, event, two)] == [one]
    assert len(await subscriptions(town, event)) == 1


async def test_pausing_and_resuming_is_the_subscribers_own(town: Town) -> None:
    event = await town.event()
    (row,) = await town.follow(town.bob, event)
    async with one_audit_row(town.core, "change_mine"):
        view = await town.core.act(town.bob.actor, change_mine, row.id, StateChange(state="paused"))
    assert view.state == "paused"
    for who, code in (
        (town.carol.actor, Code.NOT_FOUND),
        (town.alice.actor, Code.NOT_FOUND),
        (NOBODY, Code.UNAUTHENTICATED),
    ):
        for doing in (
            town.core.act(who, change_mine, row.id, StateChange(state="active")),
            town.core.act(who, end_mine, row.id),
        ):
            await refused_without_a_trace(town.core, doing, code)
    await town.core.act(town.bob.actor, end_mine, row.id)
    await refused_without_a_trace(
        town.core,
        town.core.act(town.bob.actor, change_mine, row.id, StateChange(state="active")),
        Code.CONFLICT,
    )


async def test_the_organizer_sees_names_and_masked_addresses_and_the_subscriber_their_own(town: Town) -> None:
    event = await town.event()
    await joined(town, event)
    hook = await town.channel(town.bob, "json://192.0.2.7/s3cret", "My hook")
    await town.follow(town.bob, event, hook)
    seen = await town.core.ask(town.alice.actor, event_subscriptions, event.id, EVERYTHING)
    assert [(row.label, row.integration_id) for row in seen.items] == [
        ("Bob by Webhook", None),
        ("n•••a@example.org", None),
    ]
    mine = await town.core.ask(town.bob.actor, my_subscriptions, EVERYTHING)
    assert [(row.label, row.integration_id) for row in mine.items] == [("My hook", hook)]


async def test_another_channel_takes_over_and_neither_comes_twice_nor_touches_other_events(town: Town) -> None:
    event, other = await town.event(), await town.event()
    for each in (event, other):
        await town.follow(town.bob, each)
    await town.follow(town.carol, event)
    phone = await town.channel(town.bob, "json://192.0.2.7/phone", "Phone", "phone")
    async with one_audit_row(town.core, "follow_instead"):
        done = await town.core.act(town.bob.actor, follow_instead, event.id, phone)
    assert [row.label for row in done.subscriptions] == ["Phone"]
    mine = (await town.core.ask(town.bob.actor, my_subscriptions, EVERYTHING)).items
    assert {(row.event_id, row.label) for row in mine} == {(event.id, "Phone"), (other.id, "E-mail")}
    assert len((await town.core.ask(town.carol.actor, my_subscriptions, EVERYTHING)).items) == 1


async def test_a_channel_that_cannot_take_over_leaves_what_was_there(town: Town) -> None:
    event = await town.event()
    await town.follow(town.bob, event)
    foreign = await town.channel(town.carol, "json://192.0.2.7/carol")
    off = await town.channel(town.bob, "json://192.0.2.7/off", "Off", "off")
    await town.core.act(town.bob.actor, change_integration, off, IntegrationChange(is_active=False))
    for channel, code in ((foreign, Code.NOT_FOUND), (off, Code.INVALID)):
        taking = town.core.act(town.bob.actor, follow_instead, event.id, channel)
        await refused_without_a_trace(town.core, taking, code)
