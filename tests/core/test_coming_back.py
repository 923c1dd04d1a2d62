"""Whoever changes their mind may come back the same day; an address that never said yes is asked once a day."""

from collections.abc import Awaitable, Callable

import pytest

from core.db.models import Subscription
from core.events.model import EventView
from core.privacy.erase import erase_address
from core.privacy.follows import end_all_followed
from core.subscriptions.confirm import confirm
from core.subscriptions.leave import let_back, remove_subscriber, unsubscribe
from core.subscriptions.undo import undo_unsubscribe
from core.tokens import address_token
from tests.core.look import NOBODY, mails_that_ask, states, subscriptions, the_one
from tests.core.steps import DAY, ask, confirm_link, joined, leave_link
from tests.people import Town

Leave = Callable[[Town, EventView, Subscription], Awaitable[object]]


async def by_link(town: Town, event: EventView, row: Subscription) -> None:
    await town.core.act(NOBODY, unsubscribe, leave_link(town, row))


async def on_their_page(town: Town, event: EventView, row: Subscription) -> None:
    await town.core.act(NOBODY, end_all_followed, address_token(town.core.keys, row.integration_id))


async def by_erasing(town: Town, event: EventView, row: Subscription) -> None:
    link = address_token(town.core.keys, row.integration_id)
    await town.core.act(NOBODY, erase_address, link, never_again=False)


async def removed_and_let_back(town: Town, event: EventView, row: Subscription) -> None:
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    await ask(town, event)  # nothing comes of it, but it counts
    await town.core.act(town.alice.actor, let_back, event.id, row.id)


@pytest.mark.parametrize("leave", [by_link, on_their_page, by_erasing, removed_and_let_back])
async def test_who_left_comes_back_the_same_day_by_one_more_mail_and_strangers_cause_no_other(
    town: Town, leave: Leave
) -> None:
    event = await town.event()
    row = await joined(town, event)
    await leave(town, event, row)
    for _ in range(2):
        await ask(town, event)
    assert await mails_that_ask(town, event) == 2
    back = next(each for each in await subscriptions(town, event) if each.state == "unconfirmed")
    assert (await town.core.act(NOBODY, confirm, confirm_link(town, back))).state == "done"
    assert "active" in await states(town, event)


async def test_who_follows_already_is_told_so_once_a_day_whoever_asks(town: Town) -> None:
    event = await town.event()
    await joined(town, event)
    for _ in range(3):
        await ask(town, event)
    assert await mails_that_ask(town, event) == 2
    town.clock.shift = DAY * 1.01
    await ask(town, event)
    assert await mails_that_ask(town, event) == 3


async def test_an_address_that_never_said_yes_is_asked_once_a_day_whatever_it_or_the_organizer_presses(
    town: Town,
) -> None:
    event = await town.event()
    await ask(town, event)
    row = await the_one(town, event)
    await by_link(town, event, row)  # a no
    await ask(town, event)
    await removed_and_let_back(town, event, row)
    await ask(town, event)
    await by_erasing(town, event, row)
    await ask(town, event)
    assert await mails_that_ask(town, event) == 1


async def test_an_organizer_who_removes_and_lets_back_has_an_address_asked_once_for_each_of_its_yeses(
    town: Town,
) -> None:
    event = await town.event()
    row = await joined(town, event)
    await by_link(town, event, row)
    for _ in range(3):
        await ask(town, event)
        await removed_and_let_back(town, event, row)
    assert await mails_that_ask(town, event) == 2


async def test_a_leaving_that_was_undone_lets_strangers_cause_one_mail(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    left = await town.core.act(NOBODY, unsubscribe, leave_link(town, row))
    assert left.undo is not None
    await town.core.act(NOBODY, undo_unsubscribe, left.undo)
    for _ in range(3):
        await ask(town, event)
    assert (await states(town, event), await mails_that_ask(town, event)) == (["active"], 2)
