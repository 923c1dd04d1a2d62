"""Subscribing by e-mail: nobody gets what they did not ask for, and nobody learns who follows."""

import datetime as dt
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from core.db.models import Integration
from core.errors import Code
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange
from core.limits import HOUR
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.subscriptions.confirm import confirm, look_at_confirm
from core.subscriptions.leave import unsubscribe
from core.upkeep import tidy
from core.wiring import build_core
from core.work import Actor
from tests.conftest import MakeSettings
from tests.core.look import (
    NOBODY,
    deliveries,
    mails_that_ask,
    notifications,
    one_audit_row,
    refusal,
    refused_without_a_trace,
    rows,
    states,
    table_sizes,
    the_one,
)
from tests.core.steps import DAY, NORA, ask, confirm_link, joined, leave_link
from tests.people import Clock, Town, people_of


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


async def test_no_address_stands_in_the_database_in_clear(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    await town.core.act(NOBODY, unsubscribe, leave_link(town, row), "everything")
    await town.core.db.close()
    for path in town.settings.soonish_data.glob("soonish.db*"):
        assert NORA.encode() not in path.read_bytes()
