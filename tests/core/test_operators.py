"""Who operates: by a mark that only the terminal gives, on a session of the site, and what they do to events."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from core.db.models import User
from core.errors import Code, SoonishError, UnprovedError
from core.events.abuse import Closing, close_report
from core.events.changes import cancel_event
from core.events.model import Cancellation
from core.identities.merge import merge
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
from core.privacy.erase import erase_account
from core.subscriptions.leave import unsubscribe
from core.work import Work
from tests.core.look import (
    NOBODY,
    audit,
    notifications,
    one_audit_row,
    refusal,
    refused_without_a_trace,
    states,
)
from tests.core.operating import at_site, operator
from tests.core.steps import NORA, ask, joined, leave_link
from tests.people import EVERYTHING, OPERATOR, Town

pytestmark = pytest.mark.both_databases
SPAM = Cancellation(reason="Spam.")


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
    assert (done.people, done.out_already, done.unknown) == (2, 0, ["987654", "n•••y@example.org"])
    again = await town.core.act(boss, remove_people, event.id, read_people(pasted))
    assert (again.people, again.out_already) == (0, 2)
    assert sorted(await states(town, event)) == ["active", "ended", "ended", "ended"]
    await ask(town, event)
    found = (await town.core.ask(boss, participants, event.id, EVERYTHING)).items
    assert {each.subscription_id for each in found if each.removed} >= {nora.id}
    assert [each.subscription_id for each in found if not each.removed] == [otto.id]
    assert NORA not in json.dumps([each.model_dump() for each in found])
    seen = await town.core.ask(boss, look_at_event, event.id)
    assert (seen.following, seen.removed) == (1, 3)
    back = await town.core.act(boss, let_people_back, event.id, read_people(pasted))
    assert back.people == 2
    assert (await town.core.act(boss, let_people_back, event.id, read_people(pasted))).people == 0
    assert (await joined(town, event)).state == "active"


async def test_removed_counts_people_neither_their_channels_nor_whoever_had_left_before(town: Town) -> None:
    event, boss = await town.event(), await operator(town)
    bob, nora, otto = [await joined(town, event, each) for each in (town.bob.email, NORA, "otto@example.org")]
    followed = [bob.id, nora.id, otto.id]
    for tag in ("one", "two"):  # bob's address without an account, and two channels of his account
        hook = await town.channel(town.bob, f"json://192.0.2.7/{tag}", tag=tag)
        followed.append((await town.follow(town.bob, event, hook))[0].id)
    await town.core.act(NOBODY, unsubscribe, leave_link(town, nora))
    numbers = read_people("", [str(number) for number in followed])
    done = await town.core.act(boss, remove_people, event.id, numbers)
    assert (done.people, done.out_already) == (2, 1)
    assert (await audit(town.core))[-1].detail == {"people": 2, "out_already": 1}
    assert (await town.core.act(boss, let_people_back, event.id, numbers)).people == 3


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
