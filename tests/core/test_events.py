"""Events: what may be said about them, who may change them, and how edits become messages."""

import datetime as dt
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import ValidationError
from sqlalchemy import update

from core.db.models import Delivery
from core.errors import Code
from core.events.changes import cancel_event, change_event
from core.events.duties import event_duties, make_reminder, neglected
from core.events.model import Cancellation, EventChange, EventView, NewEvent
from core.events.usecases import create_event, event_page, get_event, list_events
from core.integrations.usecases import remove_integration
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.pages import PageRequest
from core.subscriptions.join import subscribe_by_channel, subscribe_by_email
from core.subscriptions.leave import end_mine, remove_subscriber, unsubscribe
from core.subscriptions.model import SubscribeByChannel, SubscribeByEmail
from core.subscriptions.views import event_subscriptions, my_subscriptions
from core.tokens import UnsubscribeToken, unsubscribe_token
from core.wiring import build_core
from core.work import SYSTEM, Core
from tests.conftest import MakeSettings
from tests.core.look import (
    NOBODY,
    deliveries,
    notifications,
    one_audit_row,
    refusal,
    refused_without_a_trace,
    statements,
    subscriptions,
    timeline,
)
from tests.people import EVERYTHING, Clock, Town, people_of

HOUR = dt.timedelta(hours=1)


@pytest.fixture
async def patient(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Town]:
    """A town where edits within two minutes travel together."""
    core = build_core(make_settings(update_delay_seconds=120), clock=clock)
    yield await people_of(core, core.settings, clock)
    await core.db.close()


async def edit(town: Town, event: EventView, **changes: object) -> EventView:
    change = EventChange.model_validate(changes)
    return await town.core.act(town.alice.actor, change_event, event.id, change)


async def duties(town: Town, event: EventView) -> list[int]:
    found = await town.core.step(event_duties, (await town.row(event)).id)
    assert found is not None
    return found.owed


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


# Edits that follow each other


async def test_edits_within_the_delay_become_one_message_with_the_first_and_the_last_value(patient: Town) -> None:
    event = await patient.event(location="Hall")
    await patient.follow(patient.bob, event)
    first, last = patient.in_(days=4), patient.in_(days=5)
    await edit(patient, event, start_date=first)
    (waiting,) = await notifications(patient, event, "update")
    await edit(patient, event, start_date=last)
    await edit(patient, event, location="Roof")
    (update,) = await notifications(patient, event, "update")
    assert update.data["changes"] == {
        "start_date": [event.start_date.isoformat(), last.isoformat()],
        "location": ["Hall", "Roof"],
    }
    assert update.not_before == waiting.not_before
    (shown,) = await timeline(patient, event)
    assert (shown.title, shown.revision) == ("Launch party was moved", 4)
    (row,) = await deliveries(patient.core, update.id)
    assert row.next_attempt_at == update.not_before


@pytest.mark.parametrize("followed", [True, False])
async def test_going_back_withdraws_message_and_timeline_entry(patient: Town, *, followed: bool) -> None:
    event = await patient.event()
    if followed:
        await patient.follow(patient.bob, event)
    await edit(patient, event, start_date=patient.in_(days=4))
    # The workflow looks at once; what waits must still be there afterwards.
    await duties(patient, event)
    elsewhere = event.start_date.astimezone(dt.timezone(HOUR))
    await edit(patient, event, start_date=elsewhere)
    (update,) = await notifications(patient, event, "update")
    assert update.superseded_at is not None
    assert await timeline(patient, event) == []
    assert {row.status for row in await deliveries(patient.core, update.id)} <= {"skipped"}


@pytest.mark.parametrize("also", [False, True])
async def test_a_start_that_goes_back_owes_its_reminder_although_the_instant_passed_meanwhile(
    patient: Town, *, also: bool
) -> None:
    event = await patient.event(patient.in_(days=1, seconds=30))
    await patient.follow(patient.bob, event)
    set_at = (await patient.row(event)).start_set_at
    patient.clock.shift = dt.timedelta(seconds=10)
    await edit(patient, event, start_date=patient.in_(days=4))
    await edit(patient, event, location="Roof", **({"start_date": patient.in_(days=5)} if also else {}))
    assert (await patient.row(event)).start_set_at > set_at
    patient.clock.shift = dt.timedelta(seconds=60)
    await edit(patient, event, start_date=event.start_date)
    assert (await patient.row(event)).start_set_at == set_at
    found = await patient.core.step(event_duties, (await patient.row(event)).id)
    assert found is not None
    assert found.late is not None
    assert found.late.kind == "reminder_1day"


async def test_a_start_that_goes_back_sends_the_reminder_that_was_withdrawn(patient: Town) -> None:
    event = await patient.event(patient.in_(days=1, seconds=2))
    await patient.follow(patient.bob, event)
    patient.clock.shift = dt.timedelta(seconds=3)
    row = await patient.row(event)
    reminder = await patient.core.step(make_reminder, row.id, "reminder_1day", int(row.start_date.timestamp()))
    assert reminder is not None
    await edit(patient, event, start_date=patient.in_(days=4))
    assert [each.status for each in await deliveries(patient.core, reminder)] == ["skipped"]
    await edit(patient, event, start_date=event.start_date)
    assert [each.status for each in await deliveries(patient.core, reminder)] == ["queued"]
    assert reminder in await duties(patient, event)


async def test_a_subscriber_who_drops_a_channel_meanwhile_does_not_split_the_message(patient: Town) -> None:
    event = await patient.event()
    hook = await patient.channel(patient.carol, "json://192.0.2.7/hook")
    await patient.follow(patient.bob, event)
    await patient.follow(patient.carol, event, hook)
    await edit(patient, event, start_date=patient.in_(days=4))
    await patient.core.act(patient.carol.actor, remove_integration, hook)
    await edit(patient, event, start_date=patient.in_(days=5))
    assert len(await notifications(patient, event, "update")) == 1
    assert len(await timeline(patient, event)) == 1


async def test_after_a_message_has_left_the_next_edit_is_a_message_of_its_own(patient: Town) -> None:
    event = await patient.event()
    await patient.follow(patient.bob, event)
    await edit(patient, event, location="Roof")
    async with patient.core.db.write() as session:
        await session.execute(update(Delivery).values(status="delivered"))
    await edit(patient, event, location="Cellar")
    one, two = await notifications(patient, event, "update")
    assert one.data["changes"] == {"location": ["", "Roof"]}
    assert two.data["changes"] == {"location": ["Roof", "Cellar"]}


async def test_a_change_of_words_alone_is_quiet_unless_the_organizer_says_so(patient: Town) -> None:
    event = await patient.event()
    await edit(patient, event, description="New", name="Other", contact="Bob")
    assert await notifications(patient, event, "update") == []
    assert await timeline(patient, event) == []
    await edit(patient, event, description="Newer", notify=True)
    assert len(await notifications(patient, event, "update")) == 1


async def test_a_quiet_edit_says_nothing_but_corrects_a_message_that_waits(patient: Town) -> None:
    event = await patient.event()
    await patient.follow(patient.bob, event)
    await edit(patient, event, start_date=patient.in_(days=4), notify=False)
    assert await notifications(patient, event, "update") == []
    await edit(patient, event, start_date=patient.in_(days=5))
    last = patient.in_(days=6)
    await edit(patient, event, start_date=last, location="Roof", notify=False)
    (update,) = await notifications(patient, event, "update")
    assert set(update.data["changes"]) == {"start_date"}
    assert update.data["changes"]["start_date"][1] == last.isoformat()


async def test_edits_within_two_hours_of_a_start_go_at_once(patient: Town) -> None:
    near = await patient.event(patient.in_(minutes=119))
    far = await patient.event(patient.in_(minutes=125))
    for event in (near, far):
        await patient.follow(patient.bob, event)
        await edit(patient, event, location="Roof")
    now = patient.clock.now()
    assert (await notifications(patient, near, "update"))[0].not_before <= now
    assert (await notifications(patient, far, "update"))[0].not_before > now


async def test_moving_away_from_a_near_start_goes_at_once(patient: Town) -> None:
    event = await patient.event(patient.in_(hours=1))
    await patient.follow(patient.bob, event)
    await edit(patient, event, start_date=patient.in_(days=9))
    assert (await notifications(patient, event, "update"))[0].not_before <= patient.clock.now()


async def test_now_hurries_a_message_that_waits(patient: Town) -> None:
    event = await patient.event()
    await patient.follow(patient.bob, event)
    await edit(patient, event, location="Roof")
    await edit(patient, event, description="New", notify="now")
    (update,) = await notifications(patient, event, "update")
    assert set(update.data["changes"]) == {"location", "description"}
    assert update.not_before <= patient.clock.now()
    assert await duties(patient, event) == [row.id for row in await notifications(patient, event)]


async def test_who_joins_between_two_edits_is_told_of_the_last(patient: Town) -> None:
    event = await patient.event()
    await patient.follow(patient.bob, event)
    await edit(patient, event, start_date=patient.in_(days=4))
    await patient.follow(patient.carol, event)
    await edit(patient, event, start_date=patient.in_(days=5))
    (update,) = await notifications(patient, event, "update")
    assert [row.label for row in await deliveries(patient.core, update.id)] == ["Bob", "Carol"]


# Reminders


async def test_a_moved_event_withdraws_queued_reminders(town: Town) -> None:
    event = await town.event(town.in_(hours=2))
    await town.follow(town.bob, event)
    town.clock.shift = HOUR
    row = await town.row(event)
    start = int(event.start_date.timestamp())
    reminder = await town.core.step(make_reminder, row.id, "reminder_1hour", start)
    assert reminder is not None
    await edit(town, event, start_date=town.in_(days=9))
    assert [(each.status, each.code) for each in await deliveries(town.core, reminder)] == [("skipped", "superseded")]
    assert await town.core.step(make_reminder, row.id, "reminder_1hour", start) is None


async def test_a_reminder_is_made_once_for_a_start_and_never_after_it(town: Town) -> None:
    event = await town.event(town.in_(hours=2))
    row, start = await town.row(event), int(event.start_date.timestamp())
    town.clock.shift = HOUR
    first = await town.core.step(make_reminder, row.id, "reminder_1hour", start)
    assert first is not None
    assert await town.core.step(make_reminder, row.id, "reminder_1hour", start) == first
    assert await town.core.step(make_reminder, row.id, "reminder_1hour", start + 1) is None
    town.clock.shift = 2 * HOUR
    assert await town.core.step(make_reminder, row.id, "reminder_1hour", start) is None


async def test_the_sweeper_finds_missed_reminders_in_one_look_however_many_events_there_are(town: Town) -> None:
    ids = {(await town.row(await town.event(town.in_(days=2, seconds=n)))).id for n in range(6)}
    town.clock.shift = dt.timedelta(days=1, hours=12)
    with statements(town.core) as seen:
        events, _ = await town.core.ask(SYSTEM, neglected)
    assert events == ids
    assert len(seen) <= 5


async def test_cancelling_withdraws_what_waits_and_tells_everybody_at_once(patient: Town) -> None:
    event = await patient.event()
    await patient.follow(patient.bob, event)
    await patient.core.act(NOBODY, subscribe_by_email, event.id, SubscribeByEmail(email="nora@example.org"))
    await edit(patient, event, location="Roof")
    await patient.core.act(patient.alice.actor, cancel_event, event.id, Cancellation(reason="Flood"))
    for kind in ("update", "welcome", "confirm"):
        (withdrawn,) = await notifications(patient, event, kind)
        assert {row.status for row in await deliveries(patient.core, withdrawn.id)} == {"skipped"}
    (told,) = await notifications(patient, event, "cancelled")
    assert [row.label for row in await deliveries(patient.core, told.id)] == ["Bob"]
    assert told.not_before <= patient.clock.now()


async def test_duties_end_with_the_grace_and_an_ended_event_says_so(town: Town) -> None:
    event = await town.event(town.in_(hours=1))
    row = await town.row(event)
    town.clock.shift = dt.timedelta(hours=3)
    found = await town.core.step(event_duties, row.id)
    assert found is not None
    assert (found.over, found.ahead, found.late) == (False, [], None)
    assert (await town.row(event)).status == "ended"
    assert await town.core.step(event_duties, 999) is None


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


async def test_a_core_without_events_has_nothing_neglected(core: Core) -> None:
    assert await core.ask(SYSTEM, neglected) == (set(), set())


async def test_an_event_whose_time_is_over_says_so_before_its_workflow_has_looked(town: Town, clock: Clock) -> None:
    event = await town.event(town.in_(hours=2))
    clock.shift = dt.timedelta(hours=4)
    assert (await town.core.ask(town.carol.actor, get_event, event.id)).status == "ended"
