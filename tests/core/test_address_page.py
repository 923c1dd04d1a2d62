"""Everything an address without an account follows, by the link in its mails."""

import datetime as dt

import pytest
from sqlalchemy import select

from core.accounts.adopt import adopt
from core.accounts.users import vouch
from core.db.models import Delivery, Integration, Subscription, SuppressedAddress
from core.errors import Code
from core.events.changes import cancel_event
from core.events.model import Cancellation
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.privacy.erase import erase_address
from core.privacy.follows import change_followed, end_all_followed, look_at_address, write_again
from core.subscriptions.leave import remove_subscriber, unsubscribe
from core.subscriptions.undo import undo_unsubscribe
from core.tokens import address_token
from core.work import Work
from tests.core.look import NOBODY, refusal, refused_without_a_trace, rows, table_sizes, the_one
from tests.core.own_data import channels_of
from tests.core.steps import NORA, edit, joined, leave_link
from tests.people import OPERATOR, Town


def link_of(town: Town, row: Subscription) -> str:
    return address_token(town.core.keys, row.integration_id)


async def test_the_page_names_every_event_with_its_time_and_state_and_looking_changes_nothing(town: Town) -> None:
    first = await joined(town, await town.event(town.in_(days=3), name="Chess"))
    second = await joined(town, await town.event(town.in_(days=2), name="Go", timezone="Europe/Berlin"))
    town.clock.shift += dt.timedelta(hours=1)
    last = await town.event(town.in_(days=9), name="Bridge")
    await joined(town, last)
    await town.core.act(town.alice.actor, cancel_event, last.id, Cancellation())
    await town.core.act(NOBODY, change_followed, link_of(town, first), first.id, "pause")
    before = await table_sizes(town.core, without=())
    page = await town.core.ask(NOBODY, look_at_address, link_of(town, second))
    assert [(each.name, each.state, each.cancelled) for each in page.follows] == [
        ("Go", "active", False), ("Chess", "paused", False), ("Bridge", "active", True),
    ]  # fmt: skip
    assert "(Europe/Berlin)" in page.follows[0].when
    assert (page.state, page.label, page.suppressed, page.has_account) == ("here", "n•••a@example.org", False, False)
    assert await table_sizes(town.core, without=()) == before


async def test_what_is_paused_gets_nothing_until_it_is_resumed(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    audiences = []
    for step in ("pause", "resume"):
        await town.core.act(NOBODY, change_followed, link_of(town, row), row.id, step)
        message = NewMessage(title="Hi", body="there")
        audiences.append((await town.core.act(town.alice.actor, send_message, event.id, message)).recipients)
    assert audiences == [0, 1]


async def test_one_or_all_are_ended_and_a_day_long_undo_brings_back_exactly_those(town: Town) -> None:
    chess = await joined(town, await town.event(name="Chess"))
    other = await joined(town, await town.event(name="Go"))
    link = link_of(town, chess)
    for _ in range(2):
        await town.core.act(NOBODY, change_followed, link, chess.id, "end")
    assert await town.core.act(NOBODY, end_all_followed, link) == 1
    page = await town.core.ask(NOBODY, look_at_address, link)
    assert page.follows == []
    assert [each.names for each in page.left] == [["Go"], ["Chess"]]
    assert (await town.core.act(NOBODY, undo_unsubscribe, page.left[0].undo)).restored == 1
    page = await town.core.ask(NOBODY, look_at_address, link)
    assert [each.subscription_id for each in page.follows] == [other.id]
    town.clock.shift += dt.timedelta(days=1, seconds=1)
    assert (await town.core.ask(NOBODY, look_at_address, link)).left == []


async def test_nobody_resumes_what_has_ended(town: Town) -> None:
    row = await joined(town, await town.event())
    await town.core.act(NOBODY, change_followed, link_of(town, row), row.id, "end")
    await refusal(town.core.act(NOBODY, change_followed, link_of(town, row), row.id, "resume"), Code.CONFLICT)


async def test_a_link_changes_nothing_of_a_stranger_whatever_number_it_is_given(town: Town) -> None:
    row = await joined(town, await town.event())
    (bobs,) = await town.follow(town.bob, await town.event())
    other = await joined(town, await town.event(), "olga@example.org")
    for number in (bobs.id, other.id, 4711):
        await refusal(town.core.act(NOBODY, change_followed, link_of(town, row), number, "end"), Code.NOT_FOUND)
    (channel,) = await channels_of(town, town.bob.actor.user_id)
    accounts = address_token(town.core.keys, channel.id)
    assert (await town.core.ask(NOBODY, look_at_address, accounts)).state == "gone"
    for doing in (
        town.core.act(NOBODY, end_all_followed, accounts),
        town.core.act(NOBODY, change_followed, accounts, bobs.id, "end"),
        town.core.act(NOBODY, write_again, accounts),
        town.core.act(NOBODY, write_again, "forged"),
        town.core.ask(NOBODY, look_at_address, "forged"),
    ):
        await refused_without_a_trace(town.core, doing, Code.NOT_FOUND)


async def test_a_private_event_is_shown_to_who_may_still_see_it_and_without_a_page(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    await edit(town, event, is_public=False)
    (shown,) = (await town.core.ask(NOBODY, look_at_address, link_of(town, row))).follows
    assert (shown.name, shown.event_id) == ("Launch party", None)
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    page = await town.core.ask(NOBODY, look_at_address, link_of(town, row))
    assert (page.follows, page.left) == ([], [])


async def test_an_address_that_has_an_account_now_is_told_so_and_its_link_opens_nothing(town: Town) -> None:
    row = await joined(town, await town.event())
    link = link_of(town, row)
    issued = await town.core.act(OPERATOR, vouch, NORA)
    page = await town.core.ask(NOBODY, look_at_address, link)
    assert (page.state, page.has_account, len(page.follows)) == ("here", True, 1)

    async def sign_in(work: Work) -> None:
        mine = (await work.session.scalars(select(Integration).where(Integration.user_id == issued.user_id))).one()
        await adopt(work, mine)

    await town.core.step(sign_in)
    page = await town.core.ask(NOBODY, look_at_address, link)
    assert (page.state, page.label, page.follows) == ("account", "", [])
    for doing in (
        town.core.act(NOBODY, end_all_followed, link),
        town.core.act(NOBODY, change_followed, link, row.id, "end"),
        town.core.act(NOBODY, erase_address, link),
    ):
        await refusal(doing, Code.NOT_FOUND)
    assert (await rows(town.core, select(Subscription)))[0].state == "active"


async def test_the_link_of_an_erased_address_says_that_nothing_is_kept(town: Town) -> None:
    row = await joined(town, await town.event())
    await town.core.act(NOBODY, erase_address, link_of(town, row))
    assert (await town.core.ask(NOBODY, look_at_address, link_of(town, row))).state == "gone"


async def test_its_own_person_alone_lifts_a_suppression(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    await town.core.act(NOBODY, unsubscribe, leave_link(town, row), "everything")
    town.clock.shift += dt.timedelta(days=30)
    assert (await town.core.ask(NOBODY, look_at_address, link_of(town, row))).suppressed
    # A stranger who types the address changes nothing about it.
    other = await town.event()
    with pytest.raises(IndexError):
        await joined(town, other)
    assert len(await rows(town.core, select(SuppressedAddress))) == 1  # type: ignore[type-var]
    await town.core.act(NOBODY, write_again, link_of(town, row))
    assert await rows(town.core, select(SuppressedAddress)) == []  # type: ignore[type-var]
    assert (await joined(town, other)).state == "active"
    assert (await the_one(town, event)).state == "ended"
    assert {each.status for each in await rows(town.core, select(Delivery))} == {"queued"}
