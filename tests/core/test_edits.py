"""Edits that follow each other: how many become one message, and what it says."""

import datetime as dt

import pytest
from sqlalchemy import update

from core.db.models import Delivery
from core.events.changes import cancel_event
from core.events.duties import event_duties, make_reminder
from core.events.model import Cancellation
from core.integrations.usecases import remove_integration
from core.limits import HOUR
from core.subscriptions.join import subscribe_by_email
from core.subscriptions.model import SubscribeByEmail
from tests.core.look import NOBODY, deliveries, duties, notifications, timeline
from tests.core.steps import edit
from tests.people import Town

pytestmark = pytest.mark.both_databases


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
