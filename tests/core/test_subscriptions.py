"""Subscribing and leaving: nobody gets what they did not ask for, and everybody can leave."""

import datetime as dt
from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from core.accounts.users import vouch
from core.db.models import Integration, Subscription, SuppressedAddress
from core.delivery.addresses import mail_channel
from core.errors import Code
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange, EventView
from core.integrations.model import IntegrationChange
from core.integrations.usecases import change_integration, remove_integration
from core.limits import HOUR
from core.subscriptions.confirm import confirm, look_at_confirm
from core.subscriptions.join import subscribe_by_channel, subscribe_by_email
from core.subscriptions.leave import (
    change_mine,
    end_mine,
    let_back,
    look_at_leaving,
    remove_subscriber,
    undo_unsubscribe,
    unsubscribe,
)
from core.subscriptions.model import CheckInbox, StateChange, SubscribeByChannel, SubscribeByEmail
from core.subscriptions.views import event_subscriptions, my_subscriptions
from core.tokens import ConfirmToken, UndoToken, UnsubscribeToken, confirm_token, undo_token, unsubscribe_token
from core.upkeep import tidy
from core.wiring import build_core
from core.work import Actor
from tests.conftest import MakeSettings
from tests.core.look import (
    NOBODY,
    deliveries,
    notifications,
    one_audit_row,
    refusal,
    refused_without_a_trace,
    rows,
    subscriptions,
    table_sizes,
)
from tests.people import EVERYTHING, OPERATOR, Clock, Person, Town, people_of

NORA = "nora@example.org"
DAY = dt.timedelta(days=1)


async def ask(town: Town, event: EventView, email: str = NORA, who: Actor = NOBODY, **more: str) -> CheckInbox:
    return await town.core.act(who, subscribe_by_email, event.id, SubscribeByEmail(email=email, **more))


async def the_one(town: Town, event: EventView) -> Subscription:
    (row,) = await subscriptions(town, event)
    return row


def confirm_link(town: Town, row: Subscription) -> str:
    return confirm_token(town.core.keys, ConfirmToken("subscription", row.id, int(row.requested_at.timestamp())))


def leave_link(town: Town, row: Subscription) -> str:
    return unsubscribe_token(town.core.keys, UnsubscribeToken(row.event_id, row.integration_id))


async def joined(town: Town, event: EventView, email: str = NORA) -> Subscription:
    """That address follows the event, having said yes."""
    await ask(town, event, email)
    row = (await subscriptions(town, event))[-1]
    await town.core.act(NOBODY, confirm, confirm_link(town, row))
    return (await subscriptions(town, event))[-1]


async def states(town: Town, event: EventView) -> list[str]:
    return [row.state for row in await subscriptions(town, event)]


async def mails_that_ask(town: Town, event: EventView) -> int:
    return sum([len(await deliveries(town.core, each.id)) for each in await notifications(town, event, "confirm")])


# Double opt-in


async def test_an_address_is_written_to_once_and_follows_only_after_it_said_yes(town: Town) -> None:
    event = await town.event()
    async with one_audit_row(town.core, "subscribe_by_email"):
        await ask(town, event)
    row = await the_one(town, event)
    assert (row.state, row.user_id) == ("unconfirmed", None)
    assert await notifications(town, event, "welcome") == []
    link = confirm_link(town, row)
    page = await town.core.ask(NOBODY, look_at_confirm, link)
    assert (page.state, page.label) == ("open", "n•••a@example.org")
    assert await states(town, event) == ["unconfirmed"]
    async with one_audit_row(town.core, "confirm"):
        assert (await town.core.act(NOBODY, confirm, link)).state == "done"
    assert await states(town, event) == ["active"]
    (welcome,) = await notifications(town, event, "welcome")
    assert len(await deliveries(town.core, welcome.id)) == 1


async def test_confirming_twice_is_once(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    before = await table_sizes(town.core)
    assert (await town.core.act(NOBODY, confirm, confirm_link(town, row))).state == "done"
    assert await table_sizes(town.core) == before


async def test_the_answer_is_the_same_for_new_repeated_limited_suppressed_removed_and_robots(town: Town) -> None:
    event, other = await town.event(), await town.event()
    answers = [await ask(town, event), await ask(town, event), await ask(town, other, website="https://spam.example")]
    followed = await joined(town, other, "olga@example.org")
    await town.core.act(NOBODY, unsubscribe, leave_link(town, followed), "everything")
    answers.append(await ask(town, event, "olga@example.org"))
    answers.append(await ask(town, event, town.bob.email))
    assert {answer.model_dump_json() for answer in answers} == {'{"status":"check_inbox"}'}
    assert await mails_that_ask(town, event) == 2  # nora's first and bob's


async def test_the_honeypot_catches_robots_without_a_trace(town: Town) -> None:
    event = await town.event()
    before = await table_sizes(town.core)
    await ask(town, event, website="https://spam.example")
    assert await table_sizes(town.core) == before


async def test_one_mail_a_day_for_an_address_and_event(town: Town) -> None:
    event = await town.event()
    for _ in range(3):
        await ask(town, event)
    assert await mails_that_ask(town, event) == 1
    town.clock.shift = DAY + dt.timedelta(seconds=1)
    await ask(town, event)
    assert await mails_that_ask(town, event) == 2


async def test_three_mails_an_hour_for_an_address_and_the_fourth_event_may_ask_an_hour_later(town: Town) -> None:
    events = [await town.event() for _ in range(4)]
    for event in events:
        for spelling in (NORA, "Nora@Example.org"):
            await ask(town, event, spelling)
    assert [await mails_that_ask(town, event) for event in events] == [1, 1, 1, 0]
    town.clock.shift = HOUR + dt.timedelta(seconds=1)
    await ask(town, events[3])
    assert await mails_that_ask(town, events[3]) == 1


@pytest.fixture
async def guarded(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Town]:
    """A town with the limits of a real installation."""
    core = build_core(make_settings(subscribe_per_ip_hour=10), clock=clock)
    yield await people_of(core, core.settings, clock)
    await core.db.close()


async def test_ten_requests_an_hour_from_one_client_and_then_it_is_told_when_to_come_back(guarded: Town) -> None:
    event = await guarded.event()
    for number in range(10):
        await ask(guarded, event, f"guest{number}@example.org")
    refused = await refused_without_a_trace(guarded.core, ask(guarded, event, "guest10@example.org"), Code.LIMITED)
    assert refused.retry_after is not None
    assert 3500 < refused.retry_after <= 3601
    await ask(guarded, event, "guest10@example.org", Actor(None, "web", "203.0.113.10"))
    guarded.clock.shift = dt.timedelta(seconds=refused.retry_after)
    await ask(guarded, event, "guest11@example.org")


@pytest.mark.parametrize("email", ["", "nora", "nora@", "a@b@c.org", "a@example.org,b@example.org", "Nora <n@x.org>"])
async def test_what_is_no_address_is_refused_and_named(town: Town, email: str) -> None:
    event = await town.event()
    refused = await refused_without_a_trace(town.core, ask(town, event, email), Code.INVALID)
    assert refused.field == "email"


async def test_a_confirm_link_after_the_event_was_cancelled_or_is_over_is_refused(town: Town) -> None:
    for end in ("cancelled", "over"):
        event = await town.event(town.in_(hours=1))
        await ask(town, event, f"{end}@example.org")
        link = confirm_link(town, await the_one(town, event))
        if end == "cancelled":
            await town.core.act(town.alice.actor, cancel_event, event.id, Cancellation())
        else:
            town.clock.shift = dt.timedelta(hours=3)
        await refused_without_a_trace(town.core, town.core.act(NOBODY, confirm, link), Code.CONFLICT)
        await refusal(ask(town, event, "late@example.org"), Code.CONFLICT)


async def test_a_confirm_link_is_void_after_a_newer_request_and_after_seven_days(town: Town) -> None:
    event = await town.event(town.in_(days=60))
    await ask(town, event)
    old = confirm_link(town, await the_one(town, event))
    town.clock.shift = 2 * DAY
    await ask(town, event)
    await refused_without_a_trace(town.core, town.core.act(NOBODY, confirm, old), Code.NOT_FOUND)
    new = confirm_link(town, await the_one(town, event))
    town.clock.shift = 9 * DAY + dt.timedelta(seconds=2)
    await refused_without_a_trace(town.core, town.core.act(NOBODY, confirm, new), Code.NOT_FOUND)


async def test_a_request_for_an_event_that_became_private_cannot_be_confirmed_nor_looked_at(town: Town) -> None:
    event = await town.event()
    await ask(town, event)
    link = confirm_link(town, await the_one(town, event))
    await town.core.act(town.alice.actor, change_event, event.id, EventChange(is_public=False))
    await refusal(town.core.ask(NOBODY, look_at_confirm, link), Code.NOT_FOUND)
    await refused_without_a_trace(town.core, town.core.act(NOBODY, confirm, link), Code.NOT_FOUND)


async def test_what_nobody_confirmed_ends_after_seven_days_and_its_address_is_forgotten(town: Town) -> None:
    event = await town.event(town.in_(days=60))
    await ask(town, event)
    town.clock.shift = 6 * DAY
    await town.core.step(tidy)
    assert await states(town, event) == ["unconfirmed"]
    town.clock.shift = 7 * DAY + dt.timedelta(minutes=1)
    done = await town.core.step(tidy)
    assert (done["unconfirmed"], done["addresses"]) == (1, 1)
    row = await the_one(town, event)
    assert (row.state, row.ended_by) == ("ended", "expired")
    (channel,) = await rows(town.core, select(Integration).where(Integration.user_id.is_(None)))
    assert town.core.keys.open(channel.apprise_url) == ""
    assert "nora" not in channel.label
    assert (await joined(town, event)).id == row.id
    (channel,) = await rows(town.core, select(Integration).where(Integration.user_id.is_(None)))
    assert (channel.removed_at, channel.label) == (None, "n•••a@example.org")


async def test_an_address_that_said_yes_is_not_forgotten(town: Town) -> None:
    event = await town.event(town.in_(days=60))
    await joined(town, event)
    town.clock.shift = 30 * DAY
    done = await town.core.step(tidy)
    assert (done["unconfirmed"], done["addresses"]) == (0, 0)


async def test_confirming_again_sends_what_waited_for_an_address_that_was_switched_off(town: Town) -> None:
    from core.notifications.model import NewMessage
    from core.notifications.usecases import send_message

    event, other = await town.event(), await town.event()
    row = await joined(town, event)
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    async with town.core.db.write() as session:
        channel = await session.get_one(Integration, row.integration_id)
        channel.is_active, channel.disabled_reason = False, "No such mailbox."
        for waiting in await session.scalars(select(type((await deliveries(town.core, sent.id))[0]))):
            if waiting.notification_id == sent.id:
                waiting.status = "pending"
    await joined(town, other)
    assert [each.status for each in await deliveries(town.core, sent.id)] == ["queued"]


# By channel


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


# Leaving


async def test_leaving_and_coming_back_revives_the_same_row(town: Town) -> None:
    event = await town.event()
    (row,) = await town.follow(town.bob, event)
    async with one_audit_row(town.core, "end_mine"):
        left = await town.core.act(town.bob.actor, end_mine, row.id)
    assert left.ended == 1
    assert await states(town, event) == ["ended"]
    (again,) = await town.follow(town.bob, event)
    assert (again.id, again.state) == (row.id, "active")
    assert len(await notifications(town, event, "welcome")) == 2


async def test_the_link_in_an_old_mail_still_leaves_after_coming_back(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    old = leave_link(town, row)
    assert (await town.core.act(NOBODY, unsubscribe, old)).ended == 1
    town.clock.shift = 2 * DAY
    assert (await joined(town, event)).id == row.id
    assert await states(town, event) == ["active"]
    assert (await town.core.act(NOBODY, unsubscribe, old)).ended == 1
    assert await states(town, event) == ["ended"]


async def test_looking_at_a_link_changes_nothing_and_leaving_twice_is_once(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    link = leave_link(town, row)
    before = await table_sizes(town.core, without=())
    page = await town.core.ask(NOBODY, look_at_leaving, link)
    assert (page.event_name, page.host, page.out) == ("Launch party", "Alice", False)
    assert page.label == "n•••a@example.org"
    assert await table_sizes(town.core, without=()) == before
    async with one_audit_row(town.core, "unsubscribe"):
        assert (await town.core.act(NOBODY, unsubscribe, link)).ended == 1
    async with one_audit_row(town.core, "unsubscribe"):
        again = await town.core.act(NOBODY, unsubscribe, link)
    assert (again.ended, again.undo) == (0, None)
    assert (await town.core.ask(NOBODY, look_at_leaving, link)).out


async def _everywhere(town: Town) -> tuple[list[EventView], dict[str, Subscription]]:
    """Nora follows two events of alice's and one of bob's; and alice's first once more as an account's own channel."""
    mine, second = await town.event(), await town.event(name="Second")
    theirs = await Town(town.core, town.settings, town.clock, town.bob, town.alice, town.carol).event(name="Bob's")
    found = {}
    for name, event in (("mine", mine), ("second", second), ("theirs", theirs)):
        found[name] = await joined(town, event)
    issued = await town.core.act(OPERATOR, vouch, NORA, display_name="Nora")
    nora = Person("nora", NORA, Actor(issued.user_id, "api"), issued.token)
    await town.follow(nora, mine)
    found["account"] = (await subscriptions(town, mine))[-1]
    return [mine, second, theirs], found


@pytest.mark.parametrize(
    ("scope", "ended"), [("event", [2, 0, 0]), ("organizer", [2, 1, 0]), ("everything", [2, 1, 1])]
)
@pytest.mark.parametrize("through", ["mine", "account"])
async def test_a_scope_ends_what_reaches_the_same_end_point_whatever_row_the_link_names(
    town: Town, scope: str, ended: list[int], through: str
) -> None:
    events, found = await _everywhere(town)
    bystander = await joined(town, events[0], "olga@example.org")
    done = await town.core.act(NOBODY, unsubscribe, leave_link(town, found[through]), scope)  # type: ignore[arg-type]
    assert done.ended == sum(ended)
    assert [(await states(town, event)).count("ended") for event in events] == ended
    assert bystander.id in [row.id for row in await subscriptions(town, events[0]) if row.state == "active"]
    async with town.core.db.read() as session:
        suppressed = list(await session.scalars(select(SuppressedAddress.destination)))
    digest = town.core.keys.digest("destination", mail_channel(NORA).destination)
    assert suppressed == ([digest] if scope == "everything" else [])


@pytest.mark.parametrize("scope", ["event", "organizer", "everything"])
async def test_undo_restores_exactly_those_rows_and_lifts_the_suppression(town: Town, scope: str) -> None:
    events, found = await _everywhere(town)
    earlier = await joined(town, await town.event(), "olga@example.org")
    await town.core.act(NOBODY, unsubscribe, leave_link(town, earlier))
    before = [await states(town, event) for event in events]
    done = await town.core.act(NOBODY, unsubscribe, leave_link(town, found["mine"]), scope)  # type: ignore[arg-type]
    assert done.undo is not None
    async with one_audit_row(town.core, "undo_unsubscribe"):
        assert await town.core.act(NOBODY, undo_unsubscribe, done.undo) == done.ended
    assert [await states(town, event) for event in events] == before
    assert (await table_sizes(town.core))["suppressed_addresses"] == 0
    assert await town.core.act(NOBODY, undo_unsubscribe, done.undo) == 0


async def test_undo_brings_a_paused_subscription_back_as_paused(town: Town) -> None:
    event = await town.event()
    (row,) = await town.follow(town.bob, event)
    await town.core.act(town.bob.actor, change_mine, row.id, StateChange(state="paused"))
    done = await town.core.act(town.bob.actor, end_mine, row.id)
    assert done.undo is not None
    await town.core.act(NOBODY, undo_unsubscribe, done.undo)
    assert await states(town, event) == ["paused"]


async def test_undo_works_for_a_day(town: Town) -> None:
    event = await town.event()
    done = await town.core.act(NOBODY, unsubscribe, leave_link(town, await joined(town, event)), "everything")
    town.clock.shift = DAY + dt.timedelta(seconds=1)
    undo = done.undo or ""
    await refused_without_a_trace(town.core, town.core.act(NOBODY, undo_unsubscribe, undo), Code.NOT_FOUND)


async def test_undo_does_not_revive_what_reaches_a_channel_that_was_removed_since(town: Town) -> None:
    event = await town.event()
    hook = await town.channel(town.bob, "json://192.0.2.7/hook")
    (row,) = await town.follow(town.bob, event, hook)
    done = await town.core.act(town.bob.actor, end_mine, row.id)
    await town.core.act(town.bob.actor, remove_integration, hook)
    assert await town.core.act(NOBODY, undo_unsubscribe, done.undo or "") == 0
    assert await states(town, event) == ["ended"]


@pytest.mark.parametrize("already_gone", [True, False])
async def test_undo_does_not_bring_back_whom_the_organizer_removed_since(town: Town, *, already_gone: bool) -> None:
    event, other = await town.event(), await town.event()
    (row,), (elsewhere,) = await town.follow(town.bob, event), await town.follow(town.bob, other)
    link = leave_link(town, await the_one(town, event))
    hook = await town.channel(town.bob, "json://192.0.2.7/hook")
    (second,) = await town.follow(town.bob, event, hook)
    done = await town.core.act(NOBODY, unsubscribe, link, "organizer")
    gone = row if already_gone else second
    await town.core.act(town.alice.actor, remove_subscriber, event.id, gone.id)
    assert await town.core.act(NOBODY, undo_unsubscribe, done.undo or "") == 1
    assert "active" not in [each.state for each in await subscriptions(town, event) if each.id == row.id]
    assert [(each.id, each.state) for each in await subscriptions(town, other)] == [(elsewhere.id, "active")]


async def test_undo_rings_once_for_each_event(town: Town) -> None:
    event = await town.event()
    for tag in ("one", "two"):
        await town.channel(town.bob, f"json://192.0.2.7/{tag}", tag=tag)
    await town.core.act(town.bob.actor, subscribe_by_channel, event.id, SubscribeByChannel(tags=["one", "two"]))
    async with town.core.db.write() as session:
        for row in await session.scalars(select(Subscription)):
            row.state, row.ended_by, row.ended_act = "ended", "unsubscribed", "ab" * 16
    undo = undo_token(town.core.keys, UndoToken("ab" * 16, int((town.clock.now() + DAY).timestamp())))
    before = (await table_sizes(town.core))["outbox"]
    assert await town.core.act(NOBODY, undo_unsubscribe, undo) == 2
    assert (await table_sizes(town.core))["outbox"] == before + 1


async def test_a_page_about_a_link_says_whether_the_end_point_still_gets_anything(town: Town) -> None:
    event = await town.event()
    one = await town.channel(town.bob, "json://192.0.2.7/hook", tag="one")
    two = await town.channel(town.bob, "json://192.0.2.7/hook", tag="two")
    (first,) = await town.follow(town.bob, event, one)
    link = leave_link(town, await the_one(town, event))
    await town.core.act(town.bob.actor, end_mine, first.id)
    await town.follow(town.bob, event, two)
    assert not (await town.core.ask(NOBODY, look_at_leaving, link)).out


@pytest.mark.parametrize("link", ["", "x", "AAAA", "../..", "é", "a" * 500])
async def test_a_forged_link_does_nothing(town: Town, link: str) -> None:
    for doing in (unsubscribe, confirm, undo_unsubscribe):
        await refused_without_a_trace(town.core, town.core.act(NOBODY, doing, link), Code.NOT_FOUND)


async def test_a_link_to_a_channel_that_never_was_says_so(town: Town) -> None:
    link = unsubscribe_token(town.core.keys, UnsubscribeToken(1, 10**6))
    await refused_without_a_trace(town.core, town.core.act(NOBODY, unsubscribe, link), Code.NOT_FOUND)


async def test_one_press_in_a_mail_that_asks_ends_the_request_and_its_page_can_end_everything(town: Town) -> None:
    event = await town.event()
    await ask(town, event)
    link = leave_link(town, await the_one(town, event))
    assert (await town.core.act(NOBODY, unsubscribe, link)).ended == 1
    assert await states(town, event) == ["ended"]
    await town.core.act(NOBODY, unsubscribe, link, "everything")
    town.clock.shift = 2 * DAY
    await ask(town, event)
    assert await mails_that_ask(town, event) == 1


async def test_a_link_about_no_event_means_never_again_whoever_presses_it(town: Town) -> None:
    await ask(town, await town.event())
    (channel,) = await rows(town.core, select(Integration).where(Integration.user_id.is_(None)))
    link = unsubscribe_token(town.core.keys, UnsubscribeToken(0, channel.id))
    assert (await town.core.act(NOBODY, unsubscribe, link)).ended == 1
    assert (await table_sizes(town.core))["suppressed_addresses"] == 1


# Removed by the organizer


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


async def test_no_address_stands_in_the_database_in_clear(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    await town.core.act(NOBODY, unsubscribe, leave_link(town, row), "everything")
    await town.core.db.close()
    for path in town.settings.soonish_data.glob("soonish.db*"):
        assert NORA.encode() not in path.read_bytes()


async def test_who_asked_for_no_more_mail_and_follows_again_through_their_own_channel_is_written_to(town: Town) -> None:
    event, another = await town.event(), await town.event(name="Another")
    (row,) = await town.follow(town.bob, event)
    async with town.core.db.read() as session:
        kept = (await session.scalars(select(Subscription).where(Subscription.id == row.id))).one()
    await town.core.act(NOBODY, unsubscribe, leave_link(town, kept), "everything")
    assert (await table_sizes(town.core))["suppressed_addresses"] == 1
    await town.follow(town.bob, another)
    assert (await table_sizes(town.core))["suppressed_addresses"] == 0


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
