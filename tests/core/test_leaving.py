"""Leaving: everybody can, at once and for good, and take it back for a day."""

import datetime as dt

import pytest
from sqlalchemy import select

from core.accounts.users import vouch
from core.db.models import Integration, Subscription, SuppressedAddress
from core.delivery.addresses import mail_channel
from core.errors import Code
from core.events.model import EventView
from core.integrations.usecases import remove_integration
from core.subscriptions.confirm import confirm
from core.subscriptions.join import subscribe_by_channel
from core.subscriptions.leave import change_mine, end_mine, look_at_leaving, remove_subscriber, unsubscribe
from core.subscriptions.model import StateChange, SubscribeByChannel
from core.subscriptions.undo import undo_unsubscribe
from core.tokens import UndoToken, UnsubscribeToken, undo_token, unsubscribe_token
from core.work import Actor
from tests.core.look import (
    NOBODY,
    mails_that_ask,
    notifications,
    one_audit_row,
    refused_without_a_trace,
    rows,
    states,
    subscriptions,
    table_sizes,
    the_one,
)
from tests.core.steps import DAY, NORA, ask, joined, leave_link
from tests.people import OPERATOR, Person, Town


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
        assert (await town.core.act(NOBODY, undo_unsubscribe, done.undo)).restored == done.ended
    assert [await states(town, event) for event in events] == before
    assert (await table_sizes(town.core))["suppressed_addresses"] == 0
    assert (await town.core.act(NOBODY, undo_unsubscribe, done.undo)).restored == 0


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
    assert (await town.core.act(NOBODY, undo_unsubscribe, done.undo or "")).restored == 0
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
    assert (await town.core.act(NOBODY, undo_unsubscribe, done.undo or "")).restored == 1
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
    assert (await town.core.act(NOBODY, undo_unsubscribe, undo)).restored == 2
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


async def test_who_asked_for_no_more_mail_and_follows_again_through_their_own_channel_is_written_to(town: Town) -> None:
    event, another = await town.event(), await town.event(name="Another")
    (row,) = await town.follow(town.bob, event)
    async with town.core.db.read() as session:
        kept = (await session.scalars(select(Subscription).where(Subscription.id == row.id))).one()
    await town.core.act(NOBODY, unsubscribe, leave_link(town, kept), "everything")
    assert (await table_sizes(town.core))["suppressed_addresses"] == 1
    await town.follow(town.bob, another)
    assert (await table_sizes(town.core))["suppressed_addresses"] == 0
