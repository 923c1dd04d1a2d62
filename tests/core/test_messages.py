"""The organizer's messages, their report, Retry, and a request that comes twice."""

import datetime as dt
from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select, update

from core.db.models import Delivery, StoredRequest
from core.errors import Code
from core.events.changes import cancel_event
from core.events.duties import make_reminder
from core.events.model import Cancellation, EventView, NewEvent
from core.events.usecases import create_event
from core.notifications.model import Accepted, NewMessage, Report
from core.notifications.usecases import event_deliveries, report, retry, send_message
from core.pages import PageRequest
from core.subscriptions.join import subscribe_by_email
from core.subscriptions.leave import change_mine
from core.subscriptions.model import StateChange, SubscribeByEmail
from core.upkeep import tidy
from core.wiring import build_core
from core.work import Once
from tests.conftest import MakeSettings
from tests.core.look import (
    NOBODY,
    audit,
    deliveries,
    notifications,
    one_audit_row,
    refusal,
    refused_without_a_trace,
    statements,
    table_sizes,
    timeline,
)
from tests.core.steps import edit
from tests.people import EVERYTHING, Clock, Town, people_of

pytestmark = pytest.mark.both_databases


async def say(town: Town, event: EventView, chosen: list[int] | None = None) -> Accepted:
    message = NewMessage(title="Doors", body="Open at six.", subscription_ids=chosen)
    return await town.core.act(town.alice.actor, send_message, event.id, message)


async def becomes(town: Town, notification_id: int, *statuses: str) -> None:
    """The deliveries of a message have these statuses now."""
    found = await deliveries(town.core, notification_id)
    async with town.core.db.write() as session:
        for row, status in zip(found, statuses, strict=True):
            await session.execute(update(Delivery).where(Delivery.id == row.id).values(status=status, attempts=3))


@pytest.mark.parametrize(
    "wrong",
    [{"subscription_ids": []}, {"body": ""}, {"body": " \n"}, {"body": "x" * 4001}, {"title": "a\nb"}, {"title": ""}],
)
def test_a_message_to_nobody_or_without_words_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NewMessage.model_validate({"title": "Hi", "body": "there", **wrong})


async def test_a_message_reaches_everybody_who_follows_and_is_audited_once(town: Town) -> None:
    event = await town.event()
    await town.follow(town.bob, event)
    (paused,) = await town.follow(town.carol, event)
    await town.core.act(town.carol.actor, change_mine, paused.id, StateChange(state="paused"))
    async with one_audit_row(town.core, "send_message"):
        sent = await say(town, event)
    assert sent.recipients == 1
    assert [row.label for row in await deliveries(town.core, sent.id)] == ["Bob"]
    assert [(row.title, row.audience) for row in await timeline(town, event)] == [("Doors", "everyone")]


async def test_a_message_to_chosen_ones_reaches_only_them(town: Town) -> None:
    event = await town.event()
    (bob,) = await town.follow(town.bob, event)
    await town.follow(town.carol, event)
    sent = await say(town, event, [bob.id, bob.id])
    assert sent.recipients == 1
    assert [row.subscription_id for row in await deliveries(town.core, sent.id)] == [bob.id]


async def test_subscriptions_of_another_event_cannot_be_written_to(town: Town) -> None:
    event, other = await town.event(), await town.event()
    (bob,) = await town.follow(town.bob, event)
    (foreign,) = await town.follow(town.bob, other)
    for ids in ([foreign.id], [bob.id, foreign.id], [bob.id, 10**9]):
        await refused_without_a_trace(town.core, say(town, event, ids), Code.NOT_FOUND)


async def test_recipients_are_counted_as_the_report_counts_them(town: Town) -> None:
    event = await town.event()
    for person in (town.bob, town.carol):
        shared = await town.channel(person, "json://192.0.2.7/team")
        await town.follow(person, event, shared)
    sent = await say(town, event)
    found = await town.report(sent.id)
    assert sent.recipients == found.waiting == len(found.results) == 1


async def test_the_counts_of_a_report_are_those_of_its_rows(town: Town) -> None:
    event = await town.event()
    statuses = ["queued", "sending", "pending", "delivered", "dead", "dead", "skipped"]
    for number in range(len(statuses)):
        hook = await town.channel(town.bob, f"json://192.0.2.7/{number}", tag=f"t{number}")
        await town.follow(town.bob, event, hook)
    sent = await say(town, event)
    await becomes(town, sent.id, *statuses)
    found = await town.report(sent.id)
    assert (found.waiting, found.delivered, found.failed, found.skipped) == (3, 1, 2, 1)
    assert [row.status for row in found.results] == statuses
    first = await town.core.ask(town.alice.actor, report, sent.id, PageRequest(limit=4))
    rest = await town.core.ask(town.alice.actor, report, sent.id, PageRequest(limit=4, cursor=first.next))
    assert [row.status for row in (*first.results, *rest.results)] == statuses
    assert (rest.next, rest.waiting) == (None, 3)
    dead = await town.core.ask(town.alice.actor, event_deliveries, event.id, EVERYTHING, status="dead")
    assert len(dead.items) == 2


async def test_retry_takes_the_dead_only_and_begins_at_the_first_attempt(town: Town) -> None:
    event = await town.event()
    for number in range(4):
        await town.follow(town.bob, event, await town.channel(town.bob, f"json://192.0.2.7/{number}", tag=f"t{number}"))
    sent = await say(town, event)
    await becomes(town, sent.id, "dead", "delivered", "skipped", "pending")
    async with one_audit_row(town.core, "retry"):
        assert (await town.core.act(town.alice.actor, retry, sent.id)).retried == 1
    found = await deliveries(town.core, sent.id)
    assert [(row.status, row.attempts) for row in found] == [
        ("queued", 0),
        ("delivered", 3),
        ("skipped", 3),
        ("pending", 3),
    ]
    assert (await town.core.act(town.alice.actor, retry, sent.id)).retried == 0


async def test_a_report_is_its_organizers(town: Town) -> None:
    event = await town.event()
    await town.follow(town.bob, event)
    sent = await say(town, event)
    for who, code in ((town.bob.actor, Code.NOT_FOUND), (NOBODY, Code.UNAUTHENTICATED)):
        await refusal(town.core.ask(who, report, sent.id, EVERYTHING), code)
        await refused_without_a_trace(town.core, town.core.act(who, retry, sent.id), code)
    await refusal(town.core.ask(town.bob.actor, event_deliveries, event.id, EVERYTHING), Code.FORBIDDEN)


async def test_messages_go_on_after_a_cancellation_and_until_the_grace_is_over(town: Town) -> None:
    event = await town.event(town.in_(hours=1))
    await town.follow(town.bob, event)
    await town.core.act(town.alice.actor, cancel_event, event.id, Cancellation())
    sent = await say(town, event)
    town.clock.shift = dt.timedelta(days=30, hours=1)
    await say(town, event)
    town.clock.shift = dt.timedelta(days=30, hours=3)
    await refused_without_a_trace(town.core, say(town, event), Code.CONFLICT)
    await refused_without_a_trace(town.core, town.core.act(town.alice.actor, retry, sent.id), Code.CONFLICT)


@pytest.fixture
async def modest(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Town]:
    """A town where an organizer may send three deliveries a day."""
    core = build_core(make_settings(organizer_daily_deliveries=3), clock=clock)
    yield await people_of(core, core.settings, clock)
    await core.db.close()


async def test_an_organizer_sends_so_much_a_day_and_is_told_when_to_go_on(modest: Town) -> None:
    event, other = await modest.event(), await modest.event()
    for person in (modest.bob, modest.carol):
        await modest.follow(person, event)
    await say(modest, event)
    refused = await refused_without_a_trace(modest.core, say(modest, event), Code.LIMITED)
    assert refused.retry_after is not None
    await say(modest, other)  # to nobody: counts as one
    modest.clock.shift = dt.timedelta(seconds=refused.retry_after)
    await say(modest, event)


async def test_an_edit_that_tells_people_counts_and_is_refused_over_the_limit_and_a_quiet_one_is_not(
    modest: Town,
) -> None:
    event = await modest.event()
    for person in (modest.bob, modest.carol):
        await modest.follow(person, event)
    await edit(modest, event, location="Roof")
    async with modest.core.db.write() as session:
        await session.execute(update(Delivery).values(status="delivered"))
    refused = await refused_without_a_trace(modest.core, edit(modest, event, location="Cellar"), Code.LIMITED)
    assert refused.retry_after is not None
    assert (await edit(modest, event, location="Cellar", notify=False)).location == "Cellar"


async def test_edits_that_travel_together_count_each_recipient_once(make_settings: MakeSettings, clock: Clock) -> None:
    core = build_core(make_settings(organizer_daily_deliveries=4, update_delay_seconds=120), clock=clock)
    town = await people_of(core, core.settings, clock)
    event = await town.event()
    for person in (town.bob, town.carol):
        await town.follow(person, event)
    for place in ("Roof", "Cellar", "Garden"):
        await edit(town, event, location=place)
    await refused_without_a_trace(core, say(town, event), Code.LIMITED)
    await core.db.close()


async def test_people_are_told_of_a_cancellation_whatever_was_sent_before_and_it_counts(modest: Town) -> None:
    event, other = await modest.event(), await modest.event()
    for person in (modest.bob, modest.carol):
        await modest.follow(person, event)
    await say(modest, event)
    await modest.core.act(modest.alice.actor, cancel_event, event.id, Cancellation())
    (told,) = await notifications(modest, event, "cancelled")
    assert len(await deliveries(modest.core, told.id)) == 2
    await refused_without_a_trace(modest.core, say(modest, other), Code.LIMITED)


async def test_retry_counts_what_it_sends_again(modest: Town) -> None:
    event = await modest.event()
    for person in (modest.bob, modest.carol):
        await modest.follow(person, event)
    sent = await say(modest, event)
    await becomes(modest, sent.id, "dead", "dead")
    await refused_without_a_trace(modest.core, modest.core.act(modest.alice.actor, retry, sent.id), Code.LIMITED)
    await becomes(modest, sent.id, "dead", "delivered")
    assert (await modest.core.act(modest.alice.actor, retry, sent.id)).retried == 1


async def test_a_message_over_the_limit_is_refused_before_its_audience_is_written(modest: Town) -> None:
    event = await modest.event()
    for person in (modest.bob, modest.carol):
        await modest.follow(person, event)
    await say(modest, event)
    with statements(modest.core) as seen:
        await refusal(say(modest, event), Code.LIMITED)
    assert [sql for sql in seen if sql.startswith("INSERT INTO deliveries")] == []


async def test_reminders_are_not_the_organizers_to_count(modest: Town) -> None:
    event = await modest.event(modest.in_(hours=25))
    for person in (modest.bob, modest.carol):
        await modest.follow(person, event)
    await say(modest, event)
    modest.clock.shift = dt.timedelta(hours=2)
    row = await modest.row(event)
    made = await modest.core.step(make_reminder, row.id, "reminder_1day", int(row.start_date.timestamp()))
    assert made is not None
    assert len(await deliveries(modest.core, made)) == 2


async def test_an_organizer_never_sees_an_address_that_has_not_said_yes(town: Town) -> None:
    event = await town.event()
    await town.core.act(NOBODY, subscribe_by_email, event.id, SubscribeByEmail(email="nora@example.org"))
    (asked,) = await notifications(town, event, "confirm")
    assert len(await deliveries(town.core, asked.id)) == 1
    await refusal(town.report(asked.id), Code.NOT_FOUND)
    await refused_without_a_trace(town.core, town.core.act(town.alice.actor, retry, asked.id), Code.NOT_FOUND)
    listed = await town.core.ask(town.alice.actor, event_deliveries, event.id, EVERYTHING)
    assert "confirm" not in {each.kind for each in listed.items}
    assert "n•••a" not in listed.model_dump_json()


# The same request twice


async def test_the_same_request_twice_gets_the_first_answer_and_is_done_once(town: Town) -> None:
    new = NewEvent(name="Party", start_date=town.in_(days=1))
    once = Once.of("alice", "key-1", new.model_dump())
    first = await town.core.act_once(once, town.alice.actor, create_event, new)
    before = await table_sizes(town.core, without=())
    assert await town.core.act_once(once, town.alice.actor, create_event, new) == first
    assert await table_sizes(town.core, without=()) == before


async def test_the_same_key_for_another_request_is_a_conflict_and_for_another_person_is_not(town: Town) -> None:
    new = NewEvent(name="Party", start_date=town.in_(days=1))
    other = NewEvent(name="Other", start_date=town.in_(days=1))
    await town.core.act_once(Once.of("alice", "k", new.model_dump()), town.alice.actor, create_event, new)
    again = town.core.act_once(Once.of("alice", "k", other.model_dump()), town.alice.actor, create_event, other)
    await refused_without_a_trace(town.core, again, Code.CONFLICT)
    view = await town.core.act_once(Once.of("bob", "k", other.model_dump()), town.bob.actor, create_event, other)
    assert view.name == "Other"


async def test_a_refused_request_may_be_repeated_with_the_same_key(town: Town) -> None:
    past = NewEvent(name="Party", start_date=town.in_(hours=1))
    once = Once.of("alice", "k", past.model_dump())
    town.clock.shift = dt.timedelta(hours=2)
    await refusal(town.core.act_once(once, town.alice.actor, create_event, past), Code.INVALID)
    town.clock.shift = dt.timedelta(0)
    await town.core.act_once(once, town.alice.actor, create_event, past)
    assert [row.outcome for row in (await audit(town.core))[-2:]] == ["invalid", "done"]


async def test_a_stored_answer_lasts_a_day_and_is_then_forgotten(town: Town) -> None:
    new = NewEvent(name="Party", start_date=town.in_(days=9))
    once = Once.of("alice", "k", new.model_dump())
    first = await town.core.act_once(once, town.alice.actor, create_event, new)
    town.clock.shift = dt.timedelta(hours=24, seconds=1)
    second = await town.core.act_once(once, town.alice.actor, create_event, new)
    assert second.id != first.id
    town.clock.shift = dt.timedelta(hours=49)
    assert (await town.core.step(tidy))["requests"] == 1
    async with town.core.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(StoredRequest)) == 0


async def test_a_report_never_says_more_than_its_model(town: Town) -> None:
    event = await town.event()
    await town.follow(town.bob, event)
    found = await town.report((await say(town, event)).id)
    assert Report.model_validate_json(found.model_dump_json()) == found
    assert town.bob.email not in found.model_dump_json()
