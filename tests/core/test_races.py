"""Two transactions at once on PostgreSQL: what SQLite's one writer hides. Nothing is lost, granted twice or undone.

The first of each pair is held when it has written everything and committed nothing; the second one starts then, and
the first one commits as soon as the second is done, or waits for it.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import func, select, update

from core.db.models import Delivery, Integration, ServiceFlag, Subscription
from core.delivery.channels import read_channel
from core.errors import Code, SoonishError
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange, EventView
from core.integrations.flush import flush_channel
from core.integrations.usecases import remove_integration, store_integration
from core.invitations.accept import accept_invitation
from core.invitations.model import NewLink
from core.invitations.offer import invite, revoke_invitation
from core.limits import DAY, demand
from core.notifications.owe import withdraw
from core.notifications.usecases import retry
from core.privacy.erase import erase_account
from core.subscriptions.confirm import confirm
from core.subscriptions.join import subscribe_by_channel, subscribe_by_email
from core.subscriptions.leave import change_mine, remove_subscriber, unsubscribe
from core.subscriptions.model import StateChange, SubscribeByChannel, SubscribeByEmail
from core.subscriptions.undo import undo_unsubscribe
from core.tokens import ConfirmToken, UnsubscribeToken, confirm_token, unsubscribe_token
from core.upkeep import RULES
from core.work import SYSTEM, Actor, Once, Work
from tests.core.look import NOBODY, rows, states, the_one
from tests.core.sent import sent_to, switched_off
from tests.people import Town, until
from tests.postgres import Postgres

Act = tuple[Actor, Callable[..., Awaitable[Any]], tuple[Any, ...]]
Ended = list[Any]


@pytest.fixture
def backend() -> str:
    return "postgresql"


class Pair:
    """Runs two use cases against each other."""

    def __init__(self, town: Town, postgres: Postgres) -> None:
        self._core = town.core
        self._postgres = postgres

    async def __call__(self, first: Act, second: Act) -> Ended:
        """What each of them answered, or how it was refused."""
        written, go = asyncio.Event(), asyncio.Event()
        actor, use_case, args = first

        @functools.wraps(use_case)
        async def held(work: Work, *given: Any) -> Any:
            answer = await use_case(work, *given)
            await work.session.flush()
            written.set()
            await go.wait()
            return answer

        one = asyncio.create_task(self._core.act(actor, held, *args))
        await asyncio.wait([one, asyncio.create_task(written.wait())], return_when=asyncio.FIRST_COMPLETED)
        two = asyncio.create_task(self._core.act(second[0], second[1], *second[2]))
        await until(lambda: asyncio.to_thread(self._postgres.waiting), lambda waiting: waiting > 0 or two.done())
        go.set()
        return list(await asyncio.gather(one, two, return_exceptions=True))


@pytest.fixture
def pair(town: Town, postgres: Postgres) -> Pair:
    return Pair(town, postgres)


def codes(ended: Ended) -> list[Code | None]:
    """How each of them ended; None: it was done."""
    unexpected = [each for each in ended if isinstance(each, BaseException) and not isinstance(each, SoonishError)]
    assert not unexpected
    return [each.code if isinstance(each, SoonishError) else None for each in ended]


async def follows(town: Town, event: EventView) -> Subscription:
    await town.follow(town.bob, event)
    return await the_one(town, event)


async def test_nobody_follows_an_event_that_is_cancelled_meanwhile(town: Town, pair: Pair) -> None:
    event = await town.event()
    ended = await pair(
        (town.alice.actor, cancel_event, (event.id, Cancellation(reason="Flooded"))),
        (town.bob.actor, subscribe_by_channel, (event.id, SubscribeByChannel())),
    )
    assert codes(ended) == [None, Code.CONFLICT]
    assert await states(town, event) == []


async def test_who_follows_just_before_a_cancellation_is_told_of_it(town: Town, pair: Pair) -> None:
    event = await town.event()
    ended = await pair(
        (town.bob.actor, subscribe_by_channel, (event.id, SubscribeByChannel())),
        (town.alice.actor, cancel_event, (event.id, Cancellation(reason="Flooded"))),
    )
    assert codes(ended) == [None, None]
    async with town.core.db.read() as session:
        owed = await session.scalar(select(func.count()).where(Delivery.subscription_id.is_not(None)))
    assert owed == 2  # the welcome, which the cancellation withdrew, and the cancellation itself


async def test_an_organizers_removal_outlives_a_confirmation_at_the_same_time(town: Town, pair: Pair) -> None:
    event = await town.event()
    await town.core.act(NOBODY, subscribe_by_email, event.id, SubscribeByEmail(email="nora@example.org"))
    row = await the_one(town, event)
    yes = confirm_token(town.core.keys, ConfirmToken("subscription", row.id, int(row.requested_at.timestamp())))
    await pair((town.alice.actor, remove_subscriber, (event.id, row.id)), (NOBODY, confirm, (yes,)))
    row = await the_one(town, event)
    assert (row.state, row.ended_by) == ("ended", "removed")


async def test_an_organizers_removal_outlives_an_unsubscribe_at_the_same_time(town: Town, pair: Pair) -> None:
    event = await town.event()
    row = await follows(town, event)
    token = unsubscribe_token(town.core.keys, UnsubscribeToken(row.event_id, row.integration_id))
    left, _ = await pair((NOBODY, unsubscribe, (token,)), (town.alice.actor, remove_subscriber, (event.id, row.id)))
    assert (await town.core.act(NOBODY, undo_unsubscribe, left.undo)).restored == 0
    row = await the_one(town, event)
    assert (row.state, row.ended_by) == ("ended", "removed")


async def test_resuming_does_not_bring_back_what_an_unsubscribe_ends(town: Town, pair: Pair) -> None:
    event = await town.event()
    row = await follows(town, event)
    await town.core.act(town.bob.actor, change_mine, row.id, StateChange(state="paused"))
    token = unsubscribe_token(town.core.keys, UnsubscribeToken(row.event_id, row.integration_id))
    ended = await pair(
        (NOBODY, unsubscribe, (token,)), (town.bob.actor, change_mine, (row.id, StateChange(state="active")))
    )
    assert codes(ended) == [None, Code.CONFLICT]
    assert await states(town, event) == ["ended"]


async def test_an_unsubscribe_pressed_twice_at_once_is_undone_by_its_own_link(town: Town, pair: Pair) -> None:
    event = await town.event()
    row = await follows(town, event)
    token = unsubscribe_token(town.core.keys, UnsubscribeToken(row.event_id, row.integration_id))
    first, second = await pair((NOBODY, unsubscribe, (token,)), (NOBODY, unsubscribe, (token,)))
    assert (first.ended, second.ended) == (1, 0)
    assert (await town.core.act(NOBODY, undo_unsubscribe, first.undo)).restored == 1
    assert await states(town, event) == ["active"]


async def test_a_channel_that_is_removed_meanwhile_follows_nothing(town: Town, pair: Pair) -> None:
    event = await town.event()
    hook = await town.channel(town.bob, "json://192.0.2.7/1")
    wanted = SubscribeByChannel(integration_ids=[hook])
    ended = await pair(
        (town.bob.actor, remove_integration, (hook,)), (town.bob.actor, subscribe_by_channel, (event.id, wanted))
    )
    assert codes(ended) == [None, Code.NOT_FOUND]


async def test_one_end_point_is_followed_once_through_two_of_its_channels_at_once(town: Town, pair: Pair) -> None:
    event = await town.event()
    twins = [await town.channel(town.bob, "json://192.0.2.7/1", tag=tag) for tag in ("a", "b")]
    asked = [SubscribeByChannel(integration_ids=[twin]) for twin in twins]
    await pair(*((town.bob.actor, subscribe_by_channel, (event.id, each)) for each in asked))
    assert await states(town, event) == ["active"]


async def test_an_erased_account_gets_no_channel_that_was_being_added(town: Town, pair: Pair) -> None:
    channel = read_channel("json://192.0.2.7/secret")

    async def add(work: Work) -> None:
        await store_integration(work, channel, "Hook", "hook", confirmed=True)

    ended = await pair((town.bob.actor, erase_account, ()), (town.bob.actor, add, ()))
    assert codes(ended) == [None, Code.NOT_FOUND]
    left = await rows(town.core, select(Integration).where(Integration.user_id == town.bob.actor.user_id))
    assert all(row.erased_at is not None for row in left)


async def test_who_accepts_again_while_it_is_taken_back_does_not_organize(town: Town, pair: Pair) -> None:
    event = await town.event(is_public=False)
    offered = await town.core.act(town.alice.actor, invite, event.id, NewLink(kind="link", max_uses=1))
    assert offered.link is not None
    token = offered.link.rpartition("/")[2]
    await town.core.act(town.bob.actor, accept_invitation, token)
    ended = await pair(
        (town.alice.actor, revoke_invitation, (event.id, offered.id)), (town.bob.actor, accept_invitation, (token,))
    )
    assert codes(ended) == [None, Code.NOT_FOUND]


async def test_an_invitation_for_one_lets_one_of_two_in(town: Town, pair: Pair) -> None:
    event = await town.event(is_public=False)
    offered = await town.core.act(town.alice.actor, invite, event.id, NewLink(kind="link", max_uses=1))
    assert offered.link is not None
    token = offered.link.rpartition("/")[2]
    ended = await pair((town.bob.actor, accept_invitation, (token,)), (town.carol.actor, accept_invitation, (token,)))
    assert codes(ended) == [None, Code.NOT_FOUND]


async def test_a_limit_counts_both_of_two_at_once(town: Town, pair: Pair) -> None:
    async def one(work: Work) -> None:
        await demand(work, "race", "bob", 1, DAY)

    assert codes(await pair((town.bob.actor, one, ()), (town.bob.actor, one, ()))) == [None, Code.LIMITED]


async def test_two_edits_at_once_become_one_message_and_two_revisions(town: Town, pair: Pair) -> None:
    event = await town.event()
    await follows(town, event)
    changes = EventChange(location="Roof"), EventChange(name="Bigger party", notify=True)
    ended = await pair(*((town.alice.actor, change_event, (event.id, change)) for change in changes))
    assert codes(ended) == [None, None]
    assert (ended[1].revision, ended[1].location) == (3, "Roof")


async def test_retry_pressed_twice_at_once_counts_once(town: Town, pair: Pair) -> None:
    sent = await sent_to(town)
    async with town.core.db.write() as session:
        await session.execute(update(Delivery).where(Delivery.notification_id == sent.id).values(status="dead"))
    ended = await pair(*((town.alice.actor, retry, (sent.id,)) for _ in range(2)))
    assert [each.retried for each in ended] == [1, 0]


async def test_what_one_withdraws_and_another_flushes_never_wait_for_each_other(town: Town, postgres: Postgres) -> None:
    sent = await sent_to(town)
    await switched_off(sent)
    await sent.claim()
    event_id, tries = (await town.row(sent.event)).id, 0
    half_done, go = asyncio.Event(), asyncio.Event()

    async def flushing(work: Work) -> None:
        nonlocal tries
        tries += 1
        await flush_channel(work, await work.session.get_one(Integration, sent.hooks[0]))

    async def withdrawing(work: Work) -> None:
        nonlocal tries
        tries += 1
        execute = work.session.execute

        async def and_wait(statement: Any, *args: Any, **kwargs: Any) -> Any:
            done = await execute(statement, *args, **kwargs)
            if statement.is_update:
                half_done.set()
                await go.wait()
            return done

        work.session.execute = and_wait  # type: ignore[method-assign]
        await withdraw(work, event_id, ["message"], "It is over.")

    one = asyncio.create_task(town.core.step(withdrawing))
    await half_done.wait()
    two = asyncio.create_task(town.core.step(flushing))
    await until(lambda: asyncio.to_thread(postgres.waiting), lambda waiting: waiting > 0)
    go.set()
    await asyncio.gather(one, two)
    assert (tries, (await sent.row()).status) == (2, "skipped")


async def test_who_waits_for_each_other_is_told_apart_and_both_are_done(town: Town) -> None:
    async with town.core.db.write() as session:
        session.add_all([ServiceFlag(name=name, value="0", set_at=town.clock.now()) for name in ("a", "b")])
    both, tries = asyncio.Barrier(2), 0

    async def cross(work: Work, first: str, second: str) -> None:
        nonlocal tries
        tries += 1
        bump = update(ServiceFlag).values(value=ServiceFlag.value + "1")
        await work.session.execute(bump.where(ServiceFlag.name == first))
        if tries <= 2:
            await both.wait()
        await work.session.execute(bump.where(ServiceFlag.name == second))

    await asyncio.gather(town.core.step(cross, "a", "b"), town.core.act(NOBODY, cross, "b", "a"))
    assert tries in (3, 4)  # on a busy machine both may look for the knot before either is ended
    flags = await rows(town.core, select(ServiceFlag).order_by(ServiceFlag.name))  # type: ignore[type-var]
    assert [flag.value for flag in flags] == ["011", "011"]


async def test_who_follows_while_its_address_is_being_forgotten_is_remembered(town: Town, pair: Pair) -> None:
    event = await town.event(town.in_(days=60))
    request = SubscribeByEmail(email="nora@example.org")
    await town.core.act(NOBODY, subscribe_by_email, event.id, request)
    await town.core.step(_end_all)
    town.clock.shift += DAY * 40
    ended = await pair((NOBODY, subscribe_by_email, (event.id, request)), (SYSTEM, RULES["addresses"].erase, ()))
    assert codes(ended) == [None, None]
    (address,) = await rows(town.core, select(Integration).where(Integration.user_id.is_(None)))
    assert address.removed_at is None


async def _end_all(work: Work) -> None:
    await work.session.execute(update(Subscription).values(state="ended", ended_at=work.now, ended_by="expired"))


async def test_a_request_repeated_while_the_first_runs_gets_its_answer(town: Town) -> None:
    once, started = Once.of("bob", "k", {}), 0

    async def slow(work: Work) -> int:
        nonlocal started
        started += 1
        work.session.add(ServiceFlag(name=f"run-{started}", value="", set_at=work.now))
        await work.session.flush()
        return started

    answers = await asyncio.gather(*(town.core.act_once(once, town.bob.actor, slow) for _ in range(10)))
    assert len(set(answers)) == 1
    async with town.core.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(ServiceFlag)) == 1
