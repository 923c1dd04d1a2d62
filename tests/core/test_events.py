"""Events: what may be said about them, who may see them, and who may change them."""

import datetime as dt
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from core.errors import Code
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange, NewEvent
from core.events.usecases import create_event, event_page, get_event, list_events
from core.limits import HOUR
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.pages import PageRequest
from core.subscriptions.join import subscribe_by_channel, subscribe_by_email
from core.subscriptions.leave import end_mine, remove_subscriber, unsubscribe
from core.subscriptions.model import SubscribeByChannel, SubscribeByEmail
from core.subscriptions.views import event_subscriptions, my_subscriptions
from core.tokens import UnsubscribeToken, unsubscribe_token
from tests.core.look import (
    NOBODY,
    deliveries,
    notifications,
    one_audit_row,
    refusal,
    refused_without_a_trace,
    subscriptions,
    timeline,
)
from tests.core.steps import edit
from tests.people import EVERYTHING, Clock, Town

# What an event may be


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"start_date": "2099-05-01T19:00:00"}, "has no zone"),
        ({"start_date": dt.datetime(2099, 5, 1)}, "A time is text like"),  # noqa: DTZ001
        ({"start_date": 4_000_000_000}, "A time is text like"),
        ({"start_date": "tomorrow"}, "not a time we can read"),
        ({"name": "two\nlines"}, "one line"),
        ({"location": "two\r\nlines"}, "one line"),
        ({"name": " "}, "at least 1"),
        ({"description": "x" * 10_001}, "at most 10000"),
        ({"owner_user_id": 1}, "not permitted"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused_before_anything_happens(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        NewEvent.model_validate({"name": "Party", "start_date": "2099-05-01T19:00:00Z", **wrong})


@pytest.mark.parametrize(
    ("times", "field"),
    [
        (lambda now: {"start_date": now - HOUR}, "start_date"),
        (lambda now: {"start_date": now}, "start_date"),
        (lambda now: {"start_date": now + dt.timedelta(days=5 * 366 + 1)}, "start_date"),
        (lambda now: {"start_date": now + HOUR, "end_date": now + HOUR}, "end_date"),
        (lambda now: {"start_date": now + HOUR, "end_date": now + dt.timedelta(days=400)}, "end_date"),
        (lambda now: {"start_date": now + HOUR, "timezone": "Mars/Phobos"}, "timezone"),
    ],
)
async def test_times_that_cannot_be_are_refused_and_the_field_is_named(
    town: Town, times: Callable[[dt.datetime], dict[str, object]], field: str
) -> None:
    new = NewEvent.model_validate({"name": "Party", **times(town.clock.now())})
    found = await refused_without_a_trace(town.core, town.core.act(town.alice.actor, create_event, new), Code.INVALID)
    assert found.field == field


async def test_a_long_description_and_a_foreign_offset_are_kept_as_the_same_instant(town: Town) -> None:
    start = town.in_(days=3).astimezone(dt.timezone(dt.timedelta(hours=9)))
    event = await town.event(start, description="x" * 10_000)
    assert event.start_date.utcoffset() == dt.timedelta(0)
    row = await town.row(event)
    assert row.start_date == start
    assert len(row.description) == 10_000


async def test_the_zone_of_an_event_is_its_own_else_the_organizers(town: Town) -> None:
    assert (await town.event()).timezone == "Europe/Berlin"
    assert (await town.event(timezone="Asia/Tokyo")).timezone == "Asia/Tokyo"


async def test_creating_is_audited_once_and_tells_the_organizer(town: Town) -> None:
    async with one_audit_row(town.core, "create_event"):
        event = await town.event()
    (created,) = await notifications(town, event)
    assert created.kind == "created"
    assert [row.label for row in await deliveries(town.core, created.id)] == ["Alice"]


async def test_nobody_in_particular_cannot_create_an_event(town: Town) -> None:
    new = NewEvent(name="Party", start_date=town.in_(days=1))
    await refused_without_a_trace(town.core, town.core.act(NOBODY, create_event, new), Code.UNAUTHENTICATED)


# Who may


@pytest.mark.parametrize("public", [True, False])
async def test_a_stranger_may_not_manage_an_event(town: Town, *, public: bool) -> None:
    event = await town.event(is_public=public)
    (row,) = await town.follow(town.alice, event)
    core, refused = town.core, Code.FORBIDDEN if public else Code.NOT_FOUND
    message = NewMessage(title="Hi", body="there")
    for who, code in ((town.carol.actor, refused), (NOBODY, Code.UNAUTHENTICATED)):
        for doing in (
            core.act(who, change_event, event.id, EventChange(name="Mine")),
            core.act(who, cancel_event, event.id, Cancellation()),
            core.act(who, send_message, event.id, message),
            core.act(who, remove_subscriber, event.id, row.id),
        ):
            await refused_without_a_trace(core, doing, code)
        await refusal(core.ask(who, event_subscriptions, event.id, EVERYTHING), code)


async def test_a_private_event_does_not_exist_for_strangers(town: Town) -> None:
    event = await town.event(is_public=False)
    await town.follow(town.alice, event)
    for who in (town.carol.actor, NOBODY):
        for doing in (
            town.core.ask(who, get_event, event.id),
            town.core.ask(who, event_page, event.id),
            town.core.act(who, subscribe_by_email, event.id, SubscribeByEmail(email="carol@example.org")),
        ):
            await refusal(doing, Code.NOT_FOUND)
    await refusal(town.core.act(town.carol.actor, subscribe_by_channel, event.id, SubscribeByChannel()), Code.NOT_FOUND)
    for which in ("mine", "subscribed"):
        found = await town.core.ask(town.carol.actor, list_events, which, EVERYTHING)
        assert found.items == []


async def test_an_event_that_goes_private_keeps_those_who_follow_and_loses_the_rest(town: Town) -> None:
    event = await town.event()
    await town.follow(town.bob, event)
    await edit(town, event, is_public=False)
    assert (await town.core.ask(town.bob.actor, get_event, event.id)).name == "Launch party"
    assert [row.event_id for row in (await town.core.ask(town.bob.actor, my_subscriptions, EVERYTHING)).items] == [
        event.id
    ]
    await refusal(town.core.ask(town.carol.actor, get_event, event.id), Code.NOT_FOUND)


async def test_going_private_withdraws_the_mails_that_ask_strangers_to_confirm(town: Town) -> None:
    event = await town.event()
    await town.core.act(NOBODY, subscribe_by_email, event.id, SubscribeByEmail(email="nora@example.org"))
    await edit(town, event, is_public=False)
    (confirm,) = await notifications(town, event, "confirm")
    assert [row.status for row in await deliveries(town.core, confirm.id)] == ["skipped"]


async def test_who_left_a_private_event_no_longer_sees_it(town: Town) -> None:
    event = await town.event()
    (row,) = await town.follow(town.bob, event)
    await edit(town, event, is_public=False)
    await town.core.act(town.bob.actor, end_mine, row.id)
    await refusal(town.core.ask(town.bob.actor, get_event, event.id), Code.NOT_FOUND)


async def test_those_who_follow_a_private_event_cannot_bring_others_by_e_mail(town: Town) -> None:
    event = await town.event()
    await town.follow(town.bob, event)
    await edit(town, event, is_public=False)
    request = SubscribeByEmail(email="friend@example.org")
    await refused_without_a_trace(
        town.core, town.core.act(town.bob.actor, subscribe_by_email, event.id, request), Code.FORBIDDEN
    )


async def test_lists_come_in_pages_and_upcoming_leaves_out_what_began_or_was_cancelled(town: Town) -> None:
    events = [await town.event(town.in_(days=day)) for day in (1, 2, 3)]
    await town.core.act(town.alice.actor, cancel_event, events[1].id, Cancellation())
    first = await town.core.ask(town.alice.actor, list_events, "mine", PageRequest(limit=2))
    second = await town.core.ask(town.alice.actor, list_events, "mine", PageRequest(limit=2, cursor=first.next))
    assert [view.id for view in (*first.items, *second.items)] == [view.id for view in reversed(events)]
    assert second.next is None
    town.clock.shift = dt.timedelta(days=1, hours=1)
    coming = await town.core.ask(town.alice.actor, list_events, "mine", EVERYTHING, upcoming=True)
    assert [view.id for view in coming.items] == [events[2].id]
    await refusal(town.core.ask(town.alice.actor, list_events, "mine", PageRequest(cursor="%%%")), Code.INVALID)


# Changing


async def test_a_change_of_an_older_revision_is_refused(town: Town) -> None:
    event = await town.event()
    assert (await edit(town, event, name="Other", revision=1)).revision == 2
    change = EventChange(name="Third", revision=1)
    await refused_without_a_trace(
        town.core, town.core.act(town.alice.actor, change_event, event.id, change), Code.CONFLICT
    )


async def test_a_change_that_changes_nothing_has_no_revision_and_no_message(town: Town) -> None:
    event = await town.event()
    async with one_audit_row(town.core, "change_event"):
        same = await edit(town, event, name=event.name, start_date=event.start_date, notify=True)
    assert same.revision == 1
    assert await notifications(town, event, "update") == []


async def test_a_change_cannot_empty_what_must_be_there_but_may_drop_the_end(town: Town) -> None:
    for field in ("name", "start_date", "location", "is_public"):
        with pytest.raises(ValidationError, match="cannot be empty"):
            EventChange.model_validate({field: None})
    event = await town.event(end_date=town.in_(days=3, hours=2))
    assert (await edit(town, event, end_date=None)).end_date is None


async def test_a_cancelled_event_cannot_change_and_cancelling_twice_is_once(town: Town) -> None:
    event = await town.event()
    await town.follow(town.bob, event)
    for _ in range(2):
        async with one_audit_row(town.core, "cancel_event"):
            view = await town.core.act(town.alice.actor, cancel_event, event.id, Cancellation(reason="Flood"))
        assert (view.status, view.cancel_reason) == ("cancelled", "Flood")
    assert len(await notifications(town, event, "cancelled")) == 1
    assert len(await timeline(town, event)) == 1
    await refused_without_a_trace(town.core, edit(town, event, name="Again"), Code.CONFLICT)


async def test_a_past_event_cannot_change_nor_be_cancelled(town: Town) -> None:
    event = await town.event(town.in_(hours=1))
    town.clock.shift = dt.timedelta(hours=2, seconds=1)
    await refused_without_a_trace(town.core, edit(town, event, name="Later"), Code.CONFLICT)
    await refused_without_a_trace(
        town.core,
        town.core.act(town.alice.actor, cancel_event, event.id, Cancellation()),
        Code.CONFLICT,
    )


async def test_a_running_event_may_still_change_but_not_start_in_the_past(town: Town) -> None:
    event = await town.event(town.in_(hours=1), end_date=town.in_(hours=4))
    town.clock.shift = dt.timedelta(hours=2)
    assert (await edit(town, event, location="Room 2")).location == "Room 2"
    await refusal(edit(town, event, start_date=town.in_(hours=-0.5)), Code.INVALID)


async def test_the_page_shows_what_everybody_was_told_and_not_what_a_few_were(town: Town) -> None:
    event = await town.event()
    (bob,) = await town.follow(town.bob, event)
    await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="All", body="x"))
    chosen = NewMessage(title="You", body="x", subscription_ids=[bob.id])
    await town.core.act(town.alice.actor, send_message, event.id, chosen)
    view, host, updates = await town.core.ask(NOBODY, event_page, event.id)
    assert (view.subscribers, view.mine, host) == (1, False, "Alice")
    assert [update.title for update in updates] == ["All"]


async def test_an_unsubscribe_link_still_works_for_a_private_event(town: Town) -> None:
    event = await town.event()
    await town.follow(town.bob, event)
    await edit(town, event, is_public=False)
    (row,) = await subscriptions(town, event)
    link = unsubscribe_token(town.core.keys, UnsubscribeToken(row.event_id, row.integration_id))
    assert (await town.core.act(NOBODY, unsubscribe, link)).ended == 1


async def test_an_event_whose_time_is_over_says_so_before_its_workflow_has_looked(town: Town, clock: Clock) -> None:
    event = await town.event(town.in_(hours=2))
    clock.shift = dt.timedelta(hours=4)
    assert (await town.core.ask(town.carol.actor, get_event, event.id)).status == "ended"
