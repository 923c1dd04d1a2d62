"""What operators may do and see: with a mark that only the terminal gives, and never a name or address too many."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from sqlalchemy import func, insert, select, update

from core.accounts.sessions import begin_session
from core.db.models import AuditEntry, Delivery, Event, Integration, Notification, Subscription, User
from core.errors import Code, SoonishError, UnprovedError
from core.events.abuse import Closing, NewReport, close_report, list_reports, report_event
from core.events.changes import cancel_event
from core.events.model import Cancellation
from core.identities.merge import merge
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.operators.access import add_operator, list_operators, look_around, remove_operator
from core.operators.deliveries import Which, dead_deliveries, requeue_dead
from core.operators.events import (
    AT_ONCE,
    force_cancel,
    let_people_back,
    look_at_event,
    participants,
    read_people,
    remove_people,
)
from core.operators.looks import AuditFilter, audit_trail, channel_health
from core.operators.numbers import DAYS, NumbersGauge, count_numbers
from core.operators.since import first_id
from core.pages import PageRequest
from core.privacy.erase import erase_account
from core.upkeep import tidy_all
from core.work import Actor, Work
from tests.core.look import (
    NOBODY,
    audit,
    notifications,
    one_audit_row,
    refusal,
    refused_without_a_trace,
    rows,
    statements,
    states,
)
from tests.core.steps import DAY, NORA, ask, joined
from tests.people import EVERYTHING, OPERATOR, Person, Town

pytestmark = pytest.mark.both_databases
SPAM = Cancellation(reason="Spam.")


async def at_site(town: Town, person: Person) -> Actor:
    """That person, signed in at the site."""
    user_id = person.actor.require_user()

    async def sign_in(work: Work) -> int:
        return (await begin_session(work, user_id, "Firefox"))[0]

    return Actor(user_id, "web", None, await town.core.step(sign_in))


async def operator(town: Town) -> Actor:
    """Bob operates the service."""
    await town.core.act(OPERATOR, add_operator, town.bob.email)
    return await at_site(town, town.bob)


# Who operates


async def test_only_the_terminal_makes_operators_and_the_mark_holds_until_it_takes_it_back(town: Town) -> None:
    bob = await at_site(town, town.bob)
    await refusal(town.core.ask(bob, look_around), Code.NOT_FOUND)
    for _ in range(2):
        async with one_audit_row(town.core, "add_operator"):
            await town.core.act(OPERATOR, add_operator, " Bob@Example.org ")
    await town.core.ask(bob, look_around)
    assert [each.email for each in (await town.core.ask(OPERATOR, list_operators)).items] == [town.bob.email]
    await town.core.act(OPERATOR, remove_operator, town.bob.email)
    await refusal(town.core.ask(bob, look_around), Code.NOT_FOUND)


async def test_nobody_makes_an_operator_of_a_stranger_or_of_an_address_that_is_not_proved(town: Town) -> None:
    boss = await operator(town)
    for who in (NOBODY, town.carol.actor, await at_site(town, town.carol), boss):
        await refusal(town.core.act(who, add_operator, town.carol.email), Code.NOT_FOUND)
        await refusal(town.core.act(who, remove_operator, town.bob.email), Code.NOT_FOUND)
        await refusal(town.core.ask(who, list_operators), Code.NOT_FOUND)
    await refusal(town.core.act(OPERATOR, add_operator, "nobody@example.org"), Code.INVALID)
    async with town.core.db.write() as session:
        await session.execute(update(User).where(User.email == town.carol.email).values(email_verified_at=None))
    await refusal(town.core.act(OPERATOR, add_operator, town.carol.email), Code.INVALID)


async def test_to_a_stranger_there_is_nothing_to_operate_and_to_a_token_neither(town: Town) -> None:
    event = await town.event()
    boss, core = await operator(town), town.core
    people = read_people(NORA)
    for who in (NOBODY, town.carol.actor, await at_site(town, town.carol), replace(boss, session_id=None)):
        for doing in (
            core.ask(who, look_around),
            core.ask(who, look_at_event, event.id),
            core.ask(who, participants, event.id, EVERYTHING),
            core.ask(who, dead_deliveries),
            core.ask(who, channel_health),
            core.ask(who, audit_trail, AuditFilter(), EVERYTHING),
            core.act(who, force_cancel, event.id, SPAM),
            core.act(who, remove_people, event.id, people),
            core.act(who, let_people_back, event.id, people),
            core.act(who, requeue_dead, Which(kind="message", code="http_410")),
        ):
            await refused_without_a_trace(core, doing, Code.NOT_FOUND)


async def test_every_change_asks_again_who_is_there_and_looking_does_not(town: Town) -> None:
    event, boss = await town.event(), await operator(town)
    town.clock.shift += dt.timedelta(minutes=16)
    await town.core.ask(boss, look_at_event, event.id)
    for doing in (
        town.core.act(boss, force_cancel, event.id, SPAM),
        town.core.act(boss, remove_people, event.id, read_people("1")),
        town.core.act(boss, let_people_back, event.id, read_people("1")),
        town.core.act(boss, requeue_dead, Which(kind="message")),
        town.core.act(boss, close_report, 1, Closing()),
    ):
        with pytest.raises(UnprovedError):
            await doing
    assert (await town.row(event)).status == "scheduled"


async def test_the_mark_neither_outlives_an_erased_account_nor_travels_to_another_one(town: Town) -> None:
    await operator(town)
    await town.core.act(OPERATOR, add_operator, town.carol.email)

    async def become_one(work: Work) -> None:
        gone = await work.session.get_one(User, town.bob.actor.require_user())
        await merge(work, gone, await work.session.get_one(User, town.alice.actor.require_user()))

    await town.core.step(become_one)
    await town.core.act(town.carol.actor, erase_account, never_again=False)
    assert (await town.core.ask(OPERATOR, list_operators)).items == []
    async with town.core.db.read() as session:
        assert await session.scalar(select(func.count()).where(User.is_operator)) == 0


# Events and people


async def test_an_event_is_called_off_by_an_operator_once_and_its_followers_are_told(town: Town) -> None:
    event, boss = await town.event(), await operator(town)
    await joined(town, event)
    async with one_audit_row(town.core, "force_cancel"):
        await town.core.act(boss, force_cancel, event.id, SPAM)
    await town.core.act(OPERATOR, force_cancel, event.id, SPAM)
    (told,) = await notifications(town, event, "cancelled")
    row = await town.row(event)
    assert (row.status, row.cancel_reason, told.title) == ("cancelled", "Spam.", "Launch party is cancelled")
    assert [each.subject for each in await audit(town.core) if each.action == "force_cancel"] == [f"event:{row.id}"] * 2
    await town.core.act(town.alice.actor, cancel_event, event.id, SPAM)
    assert len(await notifications(town, event, "cancelled")) == 1


async def test_many_are_removed_by_a_pasted_list_on_all_their_channels_and_let_back(town: Town) -> None:
    event, boss = await town.event(), await operator(town)
    hook = await town.channel(town.carol, "json://192.0.2.7/x")
    await town.follow(town.carol, event)
    await town.follow(town.carol, event, hook)
    nora = await joined(town, event)
    otto = await joined(town, event, "otto@example.org")
    pasted = f"{town.carol.email}\n {NORA};nobody@example.org, 987654"
    done = await town.core.act(boss, remove_people, event.id, read_people(pasted))
    assert (done.people, done.unknown) == (3, ["987654", "n•••y@example.org"])
    again = await town.core.act(boss, remove_people, event.id, read_people(pasted))
    assert again.people == 3
    assert sorted(await states(town, event)) == ["active", "ended", "ended", "ended"]
    await ask(town, event)
    found = (await town.core.ask(boss, participants, event.id, EVERYTHING)).items
    assert {each.subscription_id for each in found if each.removed} >= {nora.id}
    assert [each.subscription_id for each in found if not each.removed] == [otto.id]
    assert NORA not in json.dumps([each.model_dump() for each in found])
    seen = await town.core.ask(boss, look_at_event, event.id)
    assert (seen.following, seen.removed) == (1, 3)
    back = await town.core.act(boss, let_people_back, event.id, read_people(pasted))
    assert back.people == 3
    assert (await town.core.act(boss, let_people_back, event.id, read_people(pasted))).people == 0
    assert (await joined(town, event)).state == "active"


async def test_removing_by_number_reaches_only_this_event(town: Town) -> None:
    here, other, boss = await town.event(), await town.event(), await operator(town)
    row = await joined(town, other)
    done = await town.core.act(boss, remove_people, here.id, read_people("", [str(row.id)]))
    assert (done.people, done.unknown, await states(town, other)) == (0, [str(row.id)], ["active"])


@pytest.mark.parametrize("pasted", ["", " \n ", " ".join(map(str, range(1, AT_ONCE + 2))), "9" * 19, "x" * 401])
def test_a_list_of_nobody_of_too_many_or_of_nonsense_is_refused(pasted: str) -> None:
    with pytest.raises(SoonishError):
        read_people(pasted)


async def test_addresses_stand_in_no_audit_row(town: Town) -> None:
    event, boss = await town.event(), await operator(town)
    await joined(town, event)
    await town.core.act(boss, remove_people, event.id, read_people(NORA))
    assert NORA not in json.dumps([each.detail for each in await audit(town.core)])


# Reports


async def test_anybody_reports_what_they_see_and_an_operator_closes_it_once_with_a_note(town: Town) -> None:
    event, boss, said = await town.event(), await operator(town), NewReport(body="It is spam.")
    await town.core.act(NOBODY, report_event, event.id, said)
    await town.core.act(town.carol.actor, report_event, event.id, said)
    newest, oldest = (await town.core.ask(boss, list_reports, EVERYTHING)).items
    assert (oldest.event_id, oldest.event_name, oldest.body) == (event.id, "Launch party", "It is spam.")
    for _ in range(2):
        await town.core.act(boss, close_report, oldest.id, Closing(note="Cancelled."))
    await refusal(town.core.act(boss, close_report, oldest.id, Closing(note="Else.")), Code.CONFLICT)
    await refusal(town.core.act(boss, close_report, 9_999, Closing()), Code.NOT_FOUND)
    assert [each.id for each in (await town.core.ask(boss, list_reports, EVERYTHING)).items] == [newest.id]
    (closed,) = (await town.core.ask(boss, list_reports, EVERYTHING, closed=True)).items
    assert (closed.note, closed.closed_at is not None) == ("Cancelled.", True)


async def test_reports_are_nothing_for_strangers_and_a_private_event_is_not_there_to_report(town: Town) -> None:
    event = await town.event(is_public=False)
    for who in (NOBODY, town.carol.actor):
        await refusal(town.core.act(who, report_event, event.id, NewReport(body="Spam")), Code.NOT_FOUND)
        await refusal(town.core.ask(who, list_reports, EVERYTHING), Code.NOT_FOUND)
        await refusal(town.core.act(who, close_report, 1, Closing()), Code.NOT_FOUND)


async def test_one_network_reports_five_times_an_hour(town: Town) -> None:
    event, said = await town.event(), NewReport(body="Spam")
    for _ in range(5):
        await town.core.act(NOBODY, report_event, event.id, said)
    limited = await refusal(town.core.act(NOBODY, report_event, event.id, said), Code.LIMITED)
    assert limited.retry_after
    await town.core.act(replace(NOBODY, ip="198.51.100.7"), report_event, event.id, said)


async def test_the_fifty_first_report_that_waits_is_thanked_for_and_not_kept(town: Town) -> None:
    event = await town.event()
    for n in range(51):
        await town.core.act(replace(NOBODY, ip=f"198.51.100.{n}"), report_event, event.id, NewReport(body="Spam"))
    assert len((await town.core.ask(OPERATOR, list_reports, EVERYTHING)).items) == 50


@pytest.mark.parametrize(("days", "closed_left"), [(399, 1), (401, 0)])
async def test_closed_reports_go_with_the_audit_and_open_ones_stay(town: Town, days: int, closed_left: int) -> None:
    event = await town.event()
    for n in range(2):
        await town.core.act(NOBODY, report_event, event.id, NewReport(body=f"Spam {n}"))
    await town.core.act(OPERATOR, close_report, 1, Closing())
    assert town.settings.retention_audit_days == 400
    town.clock.shift = days * DAY
    await tidy_all(town.core)
    assert len((await town.core.ask(OPERATOR, list_reports, EVERYTHING)).items) == 1
    assert len((await town.core.ask(OPERATOR, list_reports, EVERYTHING, closed=True)).items) == closed_left


# Channels, given-up deliveries, the audit


async def dead(town: Town, count: int, code: str = "http_410") -> int:
    """So many given-up deliveries of one message to bob's webhooks."""
    event = await town.event()
    hooks = [await town.channel(town.bob, f"json://192.0.2.7/secret{n}", tag=f"{code}{n}") for n in range(count)]
    await town.follow(town.bob, event, *hooks)
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    async with town.core.db.write() as session:
        ours = Delivery.notification_id == sent.id
        await session.execute(update(Delivery).where(ours).values(status="dead", code=code, attempts=4, reason="Gone."))
        await session.execute(update(Notification).where(Notification.id == sent.id).values(closed_at=town.clock.now()))
    return sent.id


async def test_given_up_deliveries_are_counted_and_tried_again_by_kind_and_reason_within_a_bound(town: Town) -> None:
    boss = await operator(town)
    gone, down = await dead(town, 3), await dead(town, 2, "smtp_451")
    found = (await town.core.ask(boss, dead_deliveries)).items
    assert [(each.kind, each.code, each.number) for each in found] == [
        ("message", "http_410", 3), ("message", "smtp_451", 2),
    ]  # fmt: skip
    which = Which(kind="message", code="http_410", limit=2)
    first = await town.core.act(boss, requeue_dead, which)
    second = await town.core.act(boss, requeue_dead, which)
    third = await town.core.act(boss, requeue_dead, which)
    assert [(each.requeued, each.left) for each in (first, second, third)] == [(2, True), (1, False), (0, False)]
    due = await rows(town.core, select(Delivery).where(Delivery.notification_id == gone))
    assert {(row.status, row.attempts, row.code) for row in due} == {("queued", 0, None)}
    assert {row.status for row in await rows(town.core, select(Delivery).where(Delivery.notification_id == down))} == {
        "dead"
    }
    async with town.core.db.read() as session:
        assert (await session.get_one(Notification, gone)).closed_at is None


async def test_channels_are_shown_by_their_streaks_without_saying_where_they_lead(town: Town) -> None:
    boss = await operator(town)
    await dead(town, 2)
    async with town.core.db.write() as session:
        hooks = Integration.kind == "Webhook"
        await session.execute(update(Integration).where(hooks).values(failures=Integration.id, last_error="Gone."))
        last = (await session.scalars(select(func.max(Integration.id)))).one()
        await session.execute(update(Integration).where(Integration.id == last).values(disabled_reason="It is gone."))
    found = await town.core.ask(boss, channel_health)
    assert [each.failures for each in found.worst] == sorted((each.failures for each in found.worst), reverse=True)
    assert (found.worst[0].id, found.worst[0].disabled_reason) == (last, "It is gone.")
    said = found.model_dump_json()
    assert [word for word in ("192.0.2.7", "secret", "example.org", "Hook", "•") if word in said] == []
    assert {(each.kind, each.channels, each.failing, each.off) for each in found.kinds} >= {("Webhook", 2, 2, 1)}


async def test_the_audit_is_filtered_by_account_action_subject_and_day_and_read_in_pages(town: Town) -> None:
    boss = await operator(town)
    event = await town.event()
    town.clock.shift += DAY
    await joined(town, event)
    await town.core.act(town.alice.actor, cancel_event, event.id, SPAM)

    async def found(**wanted: object) -> list[str]:
        page = await town.core.ask(boss, audit_trail, AuditFilter.model_validate(wanted), EVERYTHING)
        return [each.action for each in page.items]

    subject = f"event:{(await town.row(event)).id}"
    assert await found(action="cancel_event") == ["cancel_event"]
    assert await found(subject=subject) == ["cancel_event", "subscribe_by_email", "create_event"]
    assert await found(actor=town.alice.actor.user_id) == ["cancel_event", "create_event"]
    assert "create_event" not in await found(since=town.clock.now() - dt.timedelta(hours=1))
    assert await found(until=town.clock.now() - dt.timedelta(hours=1), subject=subject) == ["create_event"]
    first = await town.core.ask(boss, audit_trail, AuditFilter(), PageRequest(limit=3))
    rest = await town.core.ask(boss, audit_trail, AuditFilter(), PageRequest(limit=100, cursor=first.next))
    assert len(first.items) + len(rest.items) == len(await audit(town.core))
    assert first.items[-1].id > rest.items[0].id


# Numbers


async def test_every_number_of_the_service_is_counted_by_day(town: Town) -> None:
    await dead(town, 1)
    async with town.core.db.write() as session:
        await session.execute(update(Delivery).where(Delivery.status == "queued").values(status="delivered"))
        yesterday = town.clock.now() - DAY
        await session.execute(update(Event).values(created_at=yesterday))
    found = await town.core.ask(OPERATOR, count_numbers)
    assert len(found.days) == DAYS
    plots = {plot.title: plot for plot in found.plots}
    assert plots["Events made"].series[0].values[-2:] == [1.0, 0.0]
    assert plots["Subscriptions"].series[0].values[-1] == 1.0
    assert plots["Deliveries that arrived"].series[0].values[-1] == pytest.approx(66.7)  # created and welcome came
    by_kind = {each.name: each.values[-1] for each in plots["Channels that fail"].series}
    assert by_kind == {"E-mail": 0.0, "Webhook": 50.0}
    assert plots["Workflows that finished"].series[0].values[-1] == pytest.approx(33.3)
    assert plots["Deliveries that arrived"].series[0].values[0] is None


async def test_counting_costs_the_same_few_statements_however_much_there_is_and_is_shared(town: Town) -> None:
    gauge = NumbersGauge(town.core)
    with statements(town.core) as seen:
        first = await gauge.look()
        again = await gauge.look()
    counting = [sql for sql in seen if "GROUP BY" in sql]
    assert (len(counting), first is again) == (4, True)
    await dead(town, 6)
    town.clock.shift += dt.timedelta(minutes=6)
    with statements(town.core) as later:
        assert await gauge.look() is not first
    assert len([sql for sql in later if "GROUP BY" in sql]) == 4
    assert len(later) <= 40


async def test_nothing_that_names_anybody_is_in_the_numbers(town: Town) -> None:
    await dead(town, 1)
    said = (await town.core.ask(OPERATOR, count_numbers)).model_dump_json()
    assert [word for word in ("example.org", "Launch", "192.0.2", "Alice") if word in said] == []


@pytest.mark.parametrize("made", [0, 1, 2, 7, 100])
async def test_the_first_row_since_an_instant_is_found_without_an_index_over_times(town: Town, made: int) -> None:
    start = town.clock.now() + DAY
    fresh = [
        {"created_at": start + n * dt.timedelta(minutes=1), "via": "cli", "action": "x", "subject": "", "detail": {},
         "outcome": "done"}
        for n in range(made)
    ]  # fmt: skip
    async with town.core.db.write() as session:
        if fresh:
            await session.execute(insert(AuditEntry), fresh)
        ids = list(await session.scalars(select(AuditEntry.id).order_by(AuditEntry.id)))
        await session.execute(AuditEntry.__table__.delete().where(AuditEntry.id == ids[len(ids) // 2]))  # type: ignore[attr-defined]
        for moment in (start - 2 * DAY, start, start + made // 2 * dt.timedelta(minutes=1), start + DAY):
            first = await first_id(session, AuditEntry, moment)
            asked = (AuditEntry.id >= first, AuditEntry.created_at >= moment)
            later = [list(await session.scalars(select(AuditEntry.id).where(each))) for each in asked]
            assert sorted(later[0]) == sorted(later[1])
        await session.execute(AuditEntry.__table__.delete())  # type: ignore[attr-defined]
        assert await first_id(session, AuditEntry, start) == 1
    assert await rows(town.core, select(Subscription)) == []
