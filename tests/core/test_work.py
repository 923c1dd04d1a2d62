"""Use cases under load and under repetition: nothing is lost, nothing half done, every one audited."""

import asyncio
import sqlite3
import sys
from asyncio.subprocess import PIPE
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from core.db.models import AuditEntry, Bucket, Event, OutboxRow, ServiceFlag, StoredRequest, User
from core.errors import Code, SoonishError, conflict
from core.events.model import NewEvent
from core.events.usecases import create_event
from core.subscriptions.join import subscribe_by_channel
from core.subscriptions.model import SubscribeByChannel
from core.work import Actor, Core, Once, Work
from tests.core.look import NOBODY, audit, refusal, subscriptions, table_sizes
from tests.people import Town

ACTS = 200


async def count_up(work: Work) -> int:
    """Read, think, write: what loses updates when transactions do not exclude each other."""
    flag = await work.session.get(ServiceFlag, "counter", populate_existing=True)
    if flag is None:
        flag = ServiceFlag(name="counter", value="0", set_at=work.now)
        work.session.add(flag)
    await asyncio.sleep(0)
    flag.value = str(int(flag.value) + 1)
    await work.session.flush()
    return int(flag.value)


async def counted(core: Core) -> int:
    async with core.db.read() as session:
        return int((await session.get_one(ServiceFlag, "counter")).value)


async def test_two_hundred_acts_at_once_lose_nothing(core: Core) -> None:
    answers = await asyncio.gather(*(core.act(NOBODY, count_up) for _ in range(ACTS)))
    assert sorted(answers) == list(range(1, ACTS + 1))
    assert await counted(core) == ACTS
    assert len(await audit(core)) == ACTS


_OTHER_PROCESS = """
import asyncio, sys
from core.settings import Settings
from core.wiring import build_core
from tests.core.test_work import NOBODY, count_up

async def main():
    core = build_core(Settings(_env_file=None, soonish_data=sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(sys.argv[2]) // 10):
        await asyncio.gather(*(core.act(NOBODY, count_up) for _ in range(10)))
    await core.db.close()

asyncio.run(main())
"""


async def test_two_processes_on_one_file_lose_nothing(core: Core) -> None:
    folder = str(core.settings.soonish_data)
    others = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", _OTHER_PROCESS, folder, str(ACTS), stdin=PIPE, stdout=PIPE
        )
        for _ in range(2)
    ]
    for other in others:
        assert other.stdout is not None
        assert await other.stdout.readline() == b"ready\n"
    ended = await asyncio.gather(*(other.communicate(b"go\n") for other in others))
    assert [other.returncode for other in others] == [0, 0], ended
    assert await counted(core) == 2 * ACTS


async def test_an_act_waits_for_a_lock_that_another_process_holds(core: Core) -> None:
    other = sqlite3.connect(core.settings.soonish_data / "soonish.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    acting = asyncio.create_task(core.act(NOBODY, count_up))
    async with asyncio.timeout(5):
        assert (await core.ask(NOBODY, _flags)) == 0  # reads go on meanwhile
    assert not acting.done()
    other.execute("COMMIT")
    other.close()
    assert await acting == 1


async def _flags(work: Work) -> int:
    return await work.session.scalar(select(func.count()).select_from(ServiceFlag)) or 0


async def test_a_cancelled_act_leaves_nothing_and_the_next_one_works(core: Core) -> None:
    begun = asyncio.Event()

    async def endless(work: Work) -> None:
        await count_up(work)
        begun.set()
        await asyncio.Event().wait()

    acting = asyncio.create_task(core.act(NOBODY, endless))
    await begun.wait()
    acting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await acting
    assert await core.act(NOBODY, count_up) == 1
    assert len(await audit(core)) == 1


async def test_an_error_of_ours_leaves_nothing_at_all(core: Core) -> None:
    async def broken(work: Work) -> None:
        await count_up(work)
        raise ZeroDivisionError

    before = await table_sizes(core, without=())
    with pytest.raises(ZeroDivisionError):
        await core.act(NOBODY, broken)
    assert await table_sizes(core, without=()) == before


async def test_a_refusal_keeps_its_audit_row_and_what_it_was_about_and_nothing_else(core: Core) -> None:
    async def refusing(work: Work) -> None:
        work.subject = "flag:counter"
        await count_up(work)
        work.ring("event_updated", 1)
        raise conflict("No.")

    await refusal(core.act(Actor(7, "cli"), refusing), Code.CONFLICT)
    (row,) = await audit(core)
    assert (row.action, row.subject, row.outcome, row.via) == ("refusing", "flag:counter", "conflict", "cli")
    sizes = await table_sizes(core)
    assert not any(sizes.values())


async def test_what_is_refused_to_a_stranger_leaves_nothing_in_the_audit(core: Core) -> None:
    async def refusing(work: Work) -> None:
        raise conflict("No.")

    await refusal(core.act(NOBODY, refusing), Code.CONFLICT)
    assert await audit(core) == []


async def test_two_transactions_that_made_the_same_row_look_again(core: Core) -> None:
    tries = 0

    async def unlucky(work: Work) -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise IntegrityError("INSERT", {}, Exception("UNIQUE"))
        return tries

    assert await core.act(NOBODY, unlucky) == 2
    assert len(await audit(core)) == 1


async def test_a_row_that_can_never_be_made_is_an_error_after_three_tries(core: Core) -> None:
    async def hopeless(work: Work) -> None:
        work.session.add(User(email="x", display_name="x", merged_into=999, created_at=work.now))

    with pytest.raises(IntegrityError) as raised:
        await core.act(NOBODY, hopeless)
    assert "'x'" not in str(raised.value)


async def test_the_same_request_a_hundred_times_at_once_is_done_once(town: Town) -> None:
    new = NewEvent(name="Party", start_date=town.in_(days=1))
    once = Once.of("alice", "k", new.model_dump())
    views = await asyncio.gather(*(town.core.act_once(once, town.alice.actor, create_event, new) for _ in range(100)))
    assert len({view.id for view in views}) == 1
    async with town.core.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Event)) == 1
        assert await session.scalar(select(func.count()).select_from(StoredRequest)) == 1
        query = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "create_event")
        assert await session.scalar(query) == 1


async def test_following_fifty_times_at_once_is_one_subscription(town: Town) -> None:
    event = await town.event()
    follow = SubscribeByChannel()
    answers = await asyncio.gather(
        *(town.core.act(town.bob.actor, subscribe_by_channel, event.id, follow) for _ in range(50))
    )
    assert sum(answer.created for answer in answers) == 1
    assert len(await subscriptions(town, event)) == 1


async def test_a_ring_is_kept_until_it_was_relayed(town: Town) -> None:
    await town.event()
    async with town.core.db.read() as session:
        (bell,) = list(await session.scalars(select(OutboxRow)))
    assert (bell.signal, bell.relayed_at) == ("event_updated", None)


async def test_who_acts_is_hashed_in_limits_and_absent_from_the_audit(town: Town) -> None:
    await town.core.act(NOBODY, _limited)
    async with town.core.db.read() as session:
        keys = list(await session.scalars(select(Bucket.key)))
    assert len(keys) == 2  # alice's, bob's and carol's accounts take none; one by address, one by client
    assert NOBODY.ip is not None
    assert not any(NOBODY.ip in key or "nora" in key for key in keys)
    assert not any(NOBODY.ip in repr(vars(row)) for row in await audit(town.core))


async def _limited(work: Work) -> None:
    from core.limits import HOUR, take

    assert work.actor.ip is not None
    await take(work, "ip", work.actor.ip, 10, HOUR)
    await take(work, "address", "nora@example.org", 10, HOUR)


async def test_a_read_never_writes(core: Core) -> None:
    async def sneaky(work: Work) -> None:
        await work.session.execute(update(ServiceFlag).values(value="x"))
        work.session.add(ServiceFlag(name="x", value="x", set_at=work.now))
        await work.session.flush()

    await core.ask(NOBODY, sneaky)
    assert await core.ask(NOBODY, _flags) == 0


def test_a_refusal_says_what_happened_and_what_to_do() -> None:
    error = SoonishError(Code.LIMITED, "Too many.", hint="Wait.", retry_after=3)
    assert (str(error), error.hint, error.retry_after, error.field) == ("Too many.", "Wait.", 3, None)


async def test_a_transaction_begins_on_the_way_of_its_first_statement(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[object] = []
    through: Any = aiosqlite.Connection._execute

    async def counted(connection: Any, function: Any, *given: Any, **named: Any) -> Any:
        trips.append(function)
        return await through(connection, function, *given, **named)

    async with town.core.db.read() as session:
        await session.execute(text("SELECT 1"))  # which connects
    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    async with town.core.db.read() as session:
        await session.execute(text("SELECT 1"))
        assert len(trips) == 1
    assert len(trips) == 2
    async with town.core.db.write() as session:
        await session.execute(text("SELECT 1"))
        other = sqlite3.connect(town.core.db.engine.url.database or "", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    assert len(trips) == 4


async def test_a_transaction_in_which_nothing_was_asked_leaves_none_behind(town: Town) -> None:
    async with town.core.db.engine.connect() as connection:
        await connection.begin()
    async with town.core.db.write_alone() as connection:
        await connection.execute(text("UPDATE users SET display_name = 'Renamed'"))
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        assert not raw.driver_connection.in_transaction
