"""What was sent to me, and why or why not: to an account, and to an address by its link."""

import datetime as dt
from typing import Any, get_args

import pytest
from sqlalchemy import event as hook
from sqlalchemy import insert, select, text, update

from core.accounts.adopt import adopt
from core.accounts.users import vouch
from core.db.models import Delivery, Event, Integration, Notification
from core.errors import Code
from core.events.changes import cancel_event
from core.events.model import Cancellation
from core.integrations.model import IntegrationChange
from core.integrations.usecases import change_integration
from core.notifications.kinds import KINDS
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.pages import PageRequest
from core.privacy.erase import erase_address
from core.privacy.export import export_page
from core.privacy.log import address_log, my_log
from core.privacy.log_words import _NOT_SENT, _WHAT, Fate, LogEntry, Seen, told
from core.subscriptions.leave import remove_subscriber, unsubscribe
from core.tokens import address_token
from core.upkeep import tidy_all
from core.work import Actor, Work
from tests.core.look import NOBODY, refusal, rows, statements
from tests.core.sent import ledger_of
from tests.core.steps import DAY, NORA, edit, joined, leave_link
from tests.core.test_suppression import noras_channel_of_bobs
from tests.people import EVERYTHING, OPERATOR, Town

pytestmark = pytest.mark.both_databases
HI = NewMessage(title="Bring a chair", body="We are many.")


async def read(town: Town, who: Actor | None = None) -> list[LogEntry]:
    return (await town.core.ask(who or town.bob.actor, my_log, EVERYTHING)).items


async def becomes(town: Town, status: str, **values: Any) -> None:
    async with town.core.db.write() as session:
        await session.execute(update(Delivery).values(status=status, **values))


async def one_message(town: Town) -> None:
    event = await town.event()
    await town.follow(town.bob, event, await town.channel(town.bob, "json://192.0.2.7/secret-path"))
    await town.core.act(town.alice.actor, send_message, event.id, HI)
    async with town.core.db.write() as session:
        ours = select(Notification.id).where(Notification.kind == "message")
        await session.execute(Delivery.__table__.delete().where(Delivery.notification_id.not_in(ours)))  # type: ignore[attr-defined]


def test_every_kind_of_message_and_every_reason_not_to_send_has_words() -> None:
    assert set(_WHAT) == set(KINDS)
    assert all(words.endswith(".") for words in _NOT_SENT.values())


@pytest.mark.parametrize(
    ("status", "values", "outcome", "why"),
    [
        ("delivered", {}, "arrived", "It was delivered."),
        ("sending", {}, "waiting", "on its way"),
        ("queued", {}, "waiting", "about to go out"),
        ("queued", {"attempts": 1, "reason": "The server answered 500."}, "waiting", "500. We try again by ourselves."),
        ("pending", {"code": "channel_off", "reason": "The channel is switched off."}, "waiting", "Switch the channel"),
        ("dead", {"attempts": 4, "reason": "It is down."}, "failed", "We tried 4 times and gave up. It is down."),
        ("skipped", {"code": "left", "reason": "Unsubscribed."}, "not_sent", "no longer following"),
        ("skipped", {"code": "suppressed"}, "not_sent", "asked never to be written to"),
        ("skipped", {"code": "event_over"}, "not_sent", "came too late"),
    ],
)
async def test_a_member_reads_what_became_of_a_message_and_why(
    town: Town, status: str, values: dict[str, Any], outcome: str, why: str
) -> None:
    await one_message(town)
    await becomes(town, status, **values)
    (entry,) = await read(town)
    assert (entry.what, entry.event_name, entry.outcome) == (
        "A message from the organizer", "Launch party", outcome,
    )  # fmt: skip
    assert why in entry.why
    assert entry.title == ("Bring a chair" if status == "delivered" else None)
    assert entry.channel == "Webhook: Hook"
    assert "secret-path" not in entry.model_dump_json()


def test_there_are_four_outcomes_and_a_row_always_has_one() -> None:
    now = dt.datetime.now(dt.UTC)
    for status in ("queued", "sending", "delivered", "pending", "dead", "skipped"):
        seen = Seen(status, None, None, 0, now, None, superseded=False, paused=False, mail=True)
        assert told(seen, now).outcome in get_args(Fate)
        assert told(seen, now).why.strip()


async def test_what_waits_says_until_when_and_what_will_never_go_says_so_before_the_claim_does(town: Town) -> None:
    event = await town.event()
    (row,) = await town.follow(town.bob, event)
    await edit(town, event, location="Roof")
    await town.core.act(town.alice.actor, cancel_event, event.id, Cancellation())
    by_kind = {each.what: each for each in await read(town)}
    assert by_kind["A change"].outcome == "not_sent"
    assert by_kind["Cancellation"].outcome == "waiting"
    assert by_kind["Cancellation"].next_attempt_at is not None
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    removed = {each.what: each for each in await read(town)}["Cancellation"]
    assert (removed.outcome, "organizer" in removed.why) == ("not_sent", False)


async def test_a_channel_that_is_off_says_what_to_do(town: Town) -> None:
    event, channel = await town.event(), await town.channel(town.bob, "json://192.0.2.7/x")
    await town.follow(town.bob, event, channel)
    await town.core.act(town.bob.actor, change_integration, channel, IntegrationChange(is_active=False))
    sent = await town.core.act(town.alice.actor, send_message, event.id, HI)
    await ledger_of(town).claim(sent.id, 10, town.clock.now())
    entry = next(each for each in await read(town) if each.what == "A message from the organizer")
    assert entry.why == "The channel is switched off. Switch the channel on, and this goes out if it is still news."


async def test_nobody_reads_anybody_elses_and_a_stranger_reads_nothing(town: Town) -> None:
    await one_message(town)
    await refusal(town.core.ask(NOBODY, my_log, EVERYTHING), Code.UNAUTHENTICATED)
    assert await read(town, town.carol.actor) == []
    await refusal(town.core.ask(NOBODY, address_log, "forged", EVERYTHING), Code.NOT_FOUND)


async def test_an_address_reads_its_own_by_its_link_until_it_is_erased(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    await joined(town, event, "otto@example.org")
    link = address_token(town.core.keys, row.integration_id)
    found = (await town.core.ask(NOBODY, address_log, link, EVERYTHING)).items
    assert sorted(each.what for each in found) == ["Asking you to confirm", "Welcome"]
    assert {each.channel for each in found} == {"E-mail: n•••a@example.org"}
    await town.core.act(NOBODY, unsubscribe, leave_link(town, row))
    left = (await town.core.ask(NOBODY, address_log, link, EVERYTHING)).items
    assert {each.outcome for each in left} == {"not_sent"}
    await town.core.act(NOBODY, erase_address, link, never_again=False)
    await refusal(town.core.ask(NOBODY, address_log, link, EVERYTHING), Code.NOT_FOUND)


async def test_who_makes_an_account_later_reads_all_that_was_sent_to_the_address_before_as_in_the_document(
    town: Town,
) -> None:
    row = await joined(town, await town.event())
    await joined(town, await town.event(), "otto@example.org")
    link = address_token(town.core.keys, row.integration_id)
    before = (await town.core.ask(NOBODY, address_log, link, EVERYTHING)).items
    assert len(before) == 2
    await becomes(town, "delivered")
    issued = await town.core.act(OPERATOR, vouch, NORA)
    nora = Actor(issued.user_id, "api")

    async def sign_in(work: Work) -> None:
        mine = (await work.session.scalars(select(Integration).where(Integration.user_id == issued.user_id))).one()
        await adopt(work, mine)

    await town.core.step(sign_in)
    await refusal(town.core.ask(NOBODY, address_log, link, EVERYTHING), Code.NOT_FOUND)
    log = await read(town, nora)
    assert {each.id for each in log} == {each.id for each in before}
    exported = await town.core.ask(nora, export_page, "deliveries", 0)
    assert sorted(each.id for each in log) == [each["id"] for each in exported]


async def test_an_address_that_only_said_yes_to_somebodys_channel_stays_unread_by_them(town: Town) -> None:
    channel = await noras_channel_of_bobs(town)
    row = await joined(town, await town.event())
    link = address_token(town.core.keys, row.integration_id)
    hers = {each.id for each in (await town.core.ask(NOBODY, address_log, link, EVERYTHING)).items}
    assert hers
    exported = {each["id"] for each in await town.core.ask(town.bob.actor, export_page, "deliveries", 0)}
    for found in ({each.id for each in await read(town)}, exported):
        assert not hers & found
    channels = await town.core.ask(town.bob.actor, export_page, "channels", 0)
    assert [each["address"] for each in channels if each["id"] == channel] == [NORA]


async def test_an_event_that_went_private_is_not_named_by_what_never_arrived(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    await town.core.act(NOBODY, unsubscribe, leave_link(town, row))
    async with town.core.db.write() as session:
        await session.execute(update(Event).values(is_public=False))
    link = address_token(town.core.keys, row.integration_id)
    found = (await town.core.ask(NOBODY, address_log, link, EVERYTHING)).items
    assert {(each.event_name, each.event_id, each.title) for each in found} == {(None, None, None)}


async def test_what_retention_erased_is_not_shown(town: Town) -> None:
    await one_message(town)
    await becomes(town, "delivered")
    town.clock.shift = 401 * DAY
    await tidy_all(town.core)
    assert await read(town) == []


async def many(town: Town, number: int, per_channel: int = 2) -> None:
    """Bob's log, as long as that, over several channels; bob's rows are the oldest."""
    await one_message(town)
    for n in range(per_channel):
        await town.channel(town.bob, f"json://192.0.2.8/{n}", tag=f"t{n}")
    (row,) = await rows(town.core, select(Delivery))
    mine = {name: getattr(row, name) for name in Delivery.__table__.columns.keys() if name != "id"}  # noqa: SIM118
    fresh = [{**mine, "destination": f"d{n}", "status": "delivered"} for n in range(number)]
    async with town.core.db.write() as session:
        for start in range(0, number, 2_000):
            await session.execute(insert(Delivery), fresh[start : start + 2_000])


async def test_pages_follow_each_other_without_a_gap_and_cost_three_statements_each(town: Town) -> None:
    await many(town, 120)
    seen: list[int] = []
    cursor = None
    for _ in range(3):
        with statements(town.core) as asked:
            page = await town.core.ask(town.bob.actor, my_log, PageRequest(limit=50, cursor=cursor))
        assert len(asked) == 3
        seen += [each.id for each in page.items]
        cursor = page.next
    assert cursor is None
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 121


async def test_a_long_log_is_read_from_the_end_of_an_index(town: Town) -> None:
    await many(town, 3_000)
    plans: list[str] = []
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, sql: str, parameters: Any, *_: Any) -> None:
        if "UNION ALL" in sql:
            asked.append((sql, parameters))

    engine = town.core.db.engine.sync_engine
    hook.listen(engine, "before_cursor_execute", note)
    await town.core.ask(town.bob.actor, my_log, PageRequest(limit=50))
    hook.remove(engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if town.core.db.sqlite else "EXPLAIN "
    async with town.core.db.write() as session:
        if not town.core.db.sqlite:
            # So few rows are read faster as a whole than by an index: the plan for many is asked for.
            await session.execute(text("SET LOCAL enable_seqscan = off"))
        connection = await session.connection()
        for sql, parameters in asked:
            found = await connection.exec_driver_sql(explain + sql, parameters)
            plans += [str(row) for row in found]
    assert any("ix_deliveries_integration_id_id" in each for each in plans), plans
    assert not [each for each in plans if "SCAN deliveries" in each], plans
