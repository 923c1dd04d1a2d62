"""What Undo does, whatever others did since, and that it says how things are."""

import datetime as dt

import pytest

from core.events.model import EventView
from core.integrations.usecases import remove_integration
from core.subscriptions.confirm import confirm
from core.subscriptions.leave import (
    change_mine,
    end_mine,
    let_back,
    look_at_leaving,
    remove_subscriber,
    unsubscribe,
)
from core.subscriptions.model import StateChange, Undone
from core.subscriptions.undo import undo_unsubscribe
from tests.core.look import NOBODY, mails_that_ask, states, subscriptions, the_one
from tests.core.steps import DAY, NORA, ask, confirm_link, edit, joined, leave_link
from tests.people import Town

pytestmark = pytest.mark.both_databases

HOUR = dt.timedelta(hours=1)


async def left(town: Town, event: EventView, scope: str = "event") -> str:
    """nora follows the event, and leaves a day later; her undo."""
    row = await joined(town, event)
    town.clock.shift += DAY + HOUR  # by now anybody may have her asked again
    done = await town.core.act(NOBODY, unsubscribe, leave_link(town, row), scope)  # type: ignore[arg-type]
    assert done.undo is not None
    return done.undo


async def undone(town: Town, undo: str) -> Undone:
    return await town.core.act(NOBODY, undo_unsubscribe, undo)


async def test_a_stranger_who_types_the_address_of_somebody_who_left_takes_no_undo_away(town: Town) -> None:
    event = await town.event()
    undo = await left(town, event)
    await ask(town, event)
    assert await states(town, event) == ["unconfirmed"]
    done = await undone(town, undo)
    assert (done.restored, done.active, done.still_out) == (1, 1, [])
    assert await states(town, event) == ["active"]


async def test_nor_when_the_person_stops_what_the_stranger_asked_for(town: Town) -> None:
    event = await town.event()
    undo = await left(town, event)
    await ask(town, event)
    link = leave_link(town, await the_one(town, event))
    again = await town.core.act(NOBODY, unsubscribe, link)
    assert (again.ended, again.undo) == (1, None)
    page = await town.core.ask(NOBODY, look_at_leaving, link)
    assert page.out
    assert page.undo == undo
    assert (await undone(town, undo)).restored == 1
    assert await states(town, event) == ["active"]


async def test_nor_when_the_event_is_private_for_a_while(town: Town) -> None:
    event = await town.event()
    undo = await left(town, event)
    await ask(town, event)
    for public in (False, True):
        await edit(town, event, is_public=public)
    assert (await undone(town, undo)).restored == 1


async def test_who_has_left_and_is_asked_gets_nothing_and_is_in_by_a_yes_alone(town: Town) -> None:
    event = await town.event()
    undo = await left(town, event)
    await ask(town, event)
    assert await mails_that_ask(town, event) == 2
    await town.core.act(NOBODY, confirm, confirm_link(town, await the_one(town, event)))
    assert await states(town, event) == ["active"]
    done = await undone(town, undo)
    assert (done.restored, done.active, done.still_out) == (0, 1, [])


async def test_undo_pressed_twice_says_both_times_that_they_are_in(town: Town) -> None:
    event = await town.event()
    undo = await left(town, event)
    assert [(each.restored, each.active) for each in (await undone(town, undo), await undone(town, undo))] == [
        (1, 1),
        (0, 1),
    ]
    await town.core.act(NOBODY, unsubscribe, leave_link(town, await the_one(town, event)))
    assert await undone(town, undo) == Undone()
    assert await states(town, event) == ["ended"], "that was another unsubscribe"


@pytest.mark.parametrize("then", ["removed", "removed and let back", "removed after undo"])
async def test_whom_the_organizer_removed_is_told_that_undo_does_not_bring_them_back(town: Town, then: str) -> None:
    event, alice = await town.event(), town.alice.actor
    undo = await left(town, event)
    if then == "removed after undo":
        await undone(town, undo)
    row = await the_one(town, event)
    await town.core.act(alice, remove_subscriber, event.id, row.id)
    if then == "removed and let back":
        await town.core.act(alice, let_back, event.id, row.id)
    done = await undone(town, undo)
    why = "ended" if "let back" in then else "removed"
    assert (done.restored, done.active, [(each.event_name, each.why) for each in done.still_out]) == (
        0, 0, [(event.name, why)],
    )  # fmt: skip
    assert await states(town, event) == ["ended"]


async def test_an_event_that_went_private_is_not_named_to_whom_it_is_closed_now(town: Town) -> None:
    event = await town.event(name="Secret party")
    undo = await left(town, event)
    await edit(town, event, is_public=False)
    done = await undone(town, undo)
    assert [(each.event_name, each.why) for each in done.still_out] == [("a private event", "private")]


async def test_a_removed_channel_is_given_as_the_reason_and_what_else_was_ended_comes_back(town: Town) -> None:
    event, other = await town.event(), await town.event(name="Other")
    hook = await town.channel(town.bob, "json://192.0.2.7/hook")
    (row,) = await town.follow(town.bob, event, hook)
    undo = (await town.core.act(town.bob.actor, end_mine, row.id)).undo or ""
    await town.core.act(town.bob.actor, remove_integration, hook)
    assert [each.why for each in (await undone(town, undo)).still_out] == ["channel_removed"]
    first, second = await joined(town, event), await joined(town, other)
    everything = (await town.core.act(NOBODY, unsubscribe, leave_link(town, first), "everything")).undo or ""
    await town.core.act(town.alice.actor, remove_subscriber, other.id, second.id)
    done = await undone(town, everything)
    assert (done.restored, done.active, done.lifted) == (1, 1, True)
    assert [(each.event_name, each.why) for each in done.still_out] == [("Other", "removed")]


async def test_what_was_paused_or_never_confirmed_is_not_said_to_bring_messages(town: Town) -> None:
    event = await town.event()
    (row,) = await town.follow(town.bob, event)
    await town.core.act(town.bob.actor, change_mine, row.id, StateChange(state="paused"))
    undo = (await town.core.act(town.bob.actor, end_mine, row.id)).undo or ""
    assert await undone(town, undo) == Undone(restored=1)
    await ask(town, event, NORA)
    asked = (await subscriptions(town, event))[-1]
    undo = (await town.core.act(NOBODY, unsubscribe, leave_link(town, asked))).undo or ""
    assert await undone(town, undo) == Undone(restored=1)
    assert await states(town, event) == ["paused", "unconfirmed"]


async def test_who_wants_no_mail_at_all_is_told_so_although_the_event_is_followed_again(town: Town) -> None:
    event = await town.event()
    undo = await left(town, event)
    link = leave_link(town, await the_one(town, event))
    never = (await town.core.act(NOBODY, unsubscribe, link, "everything")).undo or ""
    done = await undone(town, undo)
    assert (done.restored, done.active, [each.why for each in done.still_out]) == (1, 0, ["suppressed"])
    assert await undone(town, never) == Undone(lifted=True)
    assert (await undone(town, undo)).active == 1
