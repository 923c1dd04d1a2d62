"""What organizers ask before and after they write: figures, previews, who missed it, and people found and removed."""

import pytest
from sqlalchemy import func, select, update

from core.db.models import Delivery, Notification, Subscription
from core.errors import Code
from core.events.health import status_by_rows
from core.events.usecases import event_page, event_to_manage, get_event, list_events
from core.notifications.audience import audience, first_names, how_many, who_missed
from core.notifications.model import Missed, NewMessage
from core.notifications.owe import ACTIVE, people
from core.notifications.plan import previews, sendings
from core.notifications.usecases import send_message
from core.pages import PageRequest
from core.subscriptions import leave
from core.subscriptions.leave import let_back, remove_subscribers
from core.subscriptions.views import chosen_subscriptions, count_subscriptions, event_subscriptions, last_outcomes
from tests.core.look import refusal
from tests.core.steps import joined
from tests.people import EVERYTHING, Town

pytestmark = pytest.mark.both_databases
HELLO = NewMessage(title="Hello", body="All of you")


async def settle(town: Town, message: int, status: str) -> None:
    async with town.core.db.write() as session:
        await session.execute(update(Delivery).where(Delivery.notification_id == message).values(status=status))


async def test_figures_count_every_delivery_and_who_missed_the_last_one_is_known(town: Town) -> None:
    event, alice = await town.event(), town.alice.actor
    for who in (town.bob, town.carol):
        await town.follow(who, event)
    first = await town.core.act(alice, send_message, event.id, HELLO)
    await settle(town, first.id, "dead")
    second = await town.core.act(alice, send_message, event.id, HELLO)
    await settle(town, second.id, "delivered")
    found = await town.core.ask(alice, sendings, event.id)
    assert [(each.counts.delivered, each.counts.failed) for each in found.latest] == [(2, 0), (0, 2)]
    assert (found.total.delivered, found.total.failed) == (2, 2)
    assert await town.core.ask(alice, who_missed, event.id) is None
    await settle(town, second.id, "dead")
    missed = await town.core.ask(alice, who_missed, event.id)
    assert missed == Missed(message=second.id, number=2)
    to_them = HELLO.model_copy(update={"missed": second.id})
    assert await town.core.ask(alice, audience, event.id, to_them) == {"E-mail": 2}


async def test_somebody_on_several_channels_is_one_person_wherever_people_are_counted(town: Town) -> None:
    event, alice = await town.event(), town.alice.actor
    twice = [await town.channel(town.bob, f"json://hook.example.org/{name}") for name in ("one", "two")]
    await town.follow(town.bob, event, *twice)
    for address in ("nora@example.org", "ola@example.org"):
        await joined(town, event, address)
    everybody = await town.core.ask(alice, audience, event.id)
    assert sum(everybody.values()) == 4
    assert (await town.core.ask(alice, get_event, event.id)).subscribers == 3
    (listed,) = (await town.core.ask(alice, list_events, "mine", PageRequest(limit=5))).items
    assert listed.subscribers == 3
    assert await town.core.ask(alice, how_many, event.id, HELLO) == 3
    first = await town.core.act(alice, send_message, event.id, HELLO)
    assert first.recipients == 4
    async with town.core.db.write() as session:
        dead = Delivery.notification_id == first.id, Delivery.integration_id.in_(twice)
        await session.execute(update(Delivery).where(*dead).values(status="dead"))
    assert await town.core.ask(alice, who_missed, event.id) == Missed(message=first.id, number=1)


async def test_people_are_counted_from_the_index_alone(town: Town) -> None:
    if not town.core.db.sqlite:
        return
    count = select(people()).select_from(Subscription).where(Subscription.event_id == 1, ACTIVE)
    asked = str(count.compile(compile_kwargs={"literal_binds": True}))
    async with town.core.db.read() as session:
        found = await (await session.connection()).exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}")
        steps = [str(row[-1]) for row in found]
    assert any("COVERING INDEX ix_subscriptions_active" in step for step in steps), steps


async def test_what_the_organizer_alone_was_told_is_in_no_figure_about_followers(town: Town) -> None:
    event = await town.event()
    told = select(func.count()).select_from(Notification).where(Notification.kind == "created")
    async with town.core.db.read() as session:
        assert await session.scalar(told) == 1
    assert (await town.core.ask(town.alice.actor, sendings, event.id)).total.all == 0


async def test_who_was_written_to_since_has_missed_nothing_unless_that_failed_too(town: Town) -> None:
    event, alice = await town.event(), town.alice.actor
    rows = [(await town.follow(who, event))[0] for who in (town.bob, town.carol)]
    first = await town.core.act(alice, send_message, event.id, HELLO)
    await settle(town, first.id, "dead")
    alone = HELLO.model_copy(update={"subscription_ids": [rows[0].id]})
    again = await town.core.act(alice, send_message, event.id, alone)
    assert await town.core.ask(alice, who_missed, event.id) == Missed(message=first.id, number=1)
    await settle(town, again.id, "dead")
    assert await town.core.ask(alice, who_missed, event.id) == Missed(message=first.id, number=2)
    to_them = HELLO.model_copy(update={"missed": first.id})
    assert (await town.core.act(alice, send_message, event.id, to_them)).recipients == 2
    assert await town.core.ask(alice, who_missed, event.id) is None
    refused = await refusal(town.core.act(alice, send_message, event.id, to_them), Code.INVALID)
    assert refused.field == "missed"


async def test_whom_a_word_finds_are_written_to_and_counted_before(town: Town) -> None:
    event, alice = await town.event(), town.alice.actor
    hook = await town.channel(town.bob, "json://192.0.2.7/hook")
    await town.follow(town.bob, event, hook)
    await town.follow(town.carol, event)
    hooked = HELLO.model_copy(update={"matching": "webhook"})
    assert await town.core.ask(alice, audience, event.id, hooked) == {"Webhook": 1}
    assert await town.core.ask(alice, first_names, event.id, hooked) == ["Bob by Webhook"]
    assert (await town.core.act(alice, send_message, event.id, hooked)).recipients == 1
    _, _, updates = await town.core.ask(town.carol.actor, event_page, event.id)
    assert updates == []
    nobody = HELLO.model_copy(update={"matching": "gotify"})
    assert (await refusal(town.core.act(alice, send_message, event.id, nobody), Code.INVALID)).field == "matching"


async def test_all_whom_a_word_finds_are_removed_and_let_back_but_nobody_who_came_later(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leave, "AT_ONCE", 1)
    event, alice = await town.event(), town.alice.actor
    bob, carol = [(await town.follow(who, event))[0] for who in (town.bob, town.carol)]
    found = await town.core.ask(alice, count_subscriptions, event.id, matching="mail")
    assert (found.number, found.newest) == (2, carol.id)
    await town.follow(town.alice, event)
    steps = [await town.core.act(alice, leave.remove_found, event.id, "mail", found.newest) for _ in range(3)]
    assert steps == [1, 1, 0]
    left = await town.core.ask(alice, event_subscriptions, event.id, EVERYTHING)
    assert [each.label for each in left.items] == ["Alice"]
    await refusal(town.core.act(town.bob.actor, leave.remove_found, event.id, "", bob.id), Code.FORBIDDEN)
    await refusal(town.core.act(town.bob.actor, leave.let_back_found, event.id, "", bob.id), Code.FORBIDDEN)
    steps = [await town.core.act(alice, leave.let_back_found, event.id, "bob", carol.id) for _ in range(2)]
    assert steps == [1, 0]
    assert [row.state for row in await town.follow(town.bob, event)] == ["active"]
    removed = await town.core.ask(alice, event_subscriptions, event.id, EVERYTHING, removed=True)
    assert [each.label for each in removed.items] == ["Carol"]


async def test_a_preview_reads_as_the_message_will_and_stores_nothing(town: Town) -> None:
    event = await town.event(location="Kino")
    await town.follow(town.bob, event)
    (shown,) = await town.core.ask(town.alice.actor, previews, event.id, HELLO)
    assert (shown.kind, shown.number, shown.form) == ("E-mail", 1, "mail")
    assert (shown.notice.subject, shown.notice.quote) == ("Hello", "All of you")
    assert (await town.core.ask(town.alice.actor, sendings, event.id)).latest == []


async def test_people_are_found_by_what_organizers_see_and_removed_together(town: Town) -> None:
    event, alice = await town.event(), town.alice.actor
    rows = [(await town.follow(who, event))[0] for who in (town.bob, town.carol)]
    for text, number in (("BOB", 1), ("mail", 2), ("%", 0), ("example.org", 0)):
        page = await town.core.ask(alice, event_subscriptions, event.id, EVERYTHING, matching=text)
        assert len(page.items) == number, text
    assert await town.core.act(alice, remove_subscribers, event.id, [row.id for row in rows]) == 2
    assert (await town.core.ask(alice, event_subscriptions, event.id, EVERYTHING)).items == []
    await town.core.act(alice, let_back, event.id, rows[0].id)
    removed = await town.core.ask(alice, event_subscriptions, event.id, PageRequest(), removed=True)
    assert [each.id for each in removed.items] == [rows[1].id]


async def test_what_became_of_the_last_message_to_each_is_said(town: Town) -> None:
    event, alice = await town.event(), town.alice.actor
    (row,) = await town.follow(town.bob, event)
    sent = await town.core.act(alice, send_message, event.id, HELLO)
    await settle(town, sent.id, "dead")
    assert await town.core.ask(alice, last_outcomes, event.id, [row.id]) == {row.id: "failed"}


async def test_strangers_ask_in_vain_and_subscriptions_of_other_events_are_left_alone(town: Town) -> None:
    event, other = await town.event(), await town.event()
    (row,) = await town.follow(town.bob, other)
    core, carol = town.core, town.carol.actor
    await refusal(core.ask(carol, event_to_manage, other.id), Code.FORBIDDEN)
    await refusal(core.ask(carol, status_by_rows, other.id), Code.FORBIDDEN)
    await refusal(core.ask(carol, sendings, other.id), Code.FORBIDDEN)
    await refusal(core.ask(carol, who_missed, other.id), Code.FORBIDDEN)
    await refusal(core.ask(carol, how_many, other.id, HELLO), Code.FORBIDDEN)
    await refusal(core.ask(carol, previews, other.id, HELLO), Code.FORBIDDEN)
    await refusal(core.ask(carol, chosen_subscriptions, other.id, [row.id]), Code.FORBIDDEN)
    await refusal(core.ask(carol, last_outcomes, other.id, [row.id]), Code.FORBIDDEN)
    await refusal(core.act(carol, remove_subscribers, other.id, [row.id]), Code.FORBIDDEN)
    assert await core.ask(town.alice.actor, chosen_subscriptions, event.id, [row.id]) == []
    assert await core.ask(town.alice.actor, last_outcomes, event.id, [row.id]) == {}
    assert await town.core.act(town.alice.actor, remove_subscribers, event.id, [row.id]) == 0
    assert len((await town.core.ask(town.alice.actor, event_subscriptions, other.id, EVERYTHING)).items) == 1
