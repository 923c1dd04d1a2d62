"""How long anybody waits for a database that somebody else has locked: who reads never, who writes once."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from core.accounts.sessions import begin_session, session_actor
from core.accounts.users import authenticate
from core.db.models import ServiceFlag, Session, Token
from core.identities.actors import actor_of_identity
from core.identities.signed import SignedIdentity
from core.limits import HOUR
from core.work import Core, Work
from tests.core.look import NOBODY
from tests.core.test_work import count_up, counted
from tests.people import Town

AT_ONCE = 2.0
"""Seconds that a test gives what must not wait: far less than anybody's patience, more than a busy machine takes."""


async def cookie_of(town: Town) -> str:
    async def begin(work: Work) -> tuple[int, str]:
        return await begin_session(work, town.bob.actor.require_user(), "Firefox")

    return (await town.core.step(begin))[1]


async def noted(town: Town) -> tuple[bool, bool]:
    """Whether bob's session and his token were seen this moment."""
    async with town.core.db.read() as session:
        seen = await session.scalar(select(Session.last_seen_at))
        used = await session.scalar(select(Token.used_at).where(Token.user_id == town.bob.actor.user_id))
    assert seen is not None
    return abs(seen - town.clock.now()) < HOUR, used is not None and abs(used - town.clock.now()) < HOUR


async def let_in(town: Town, cookie: str) -> None:
    async with asyncio.timeout(AT_ONCE):
        found = await session_actor(town.core, cookie, "web")
        assert found is not None
        assert found.user_id == town.bob.actor.user_id
        assert (await authenticate(town.core, town.bob.token, "api")).user_id == town.bob.actor.user_id


async def flag(work: Work) -> str:
    return (await work.session.get_one(ServiceFlag, "counter")).value


@contextlib.contextmanager
def locked(core: Core) -> Iterator[None]:
    """By another program."""
    other = sqlite3.connect(core.settings.soonish_data / "soonish.db", isolation_level=None)
    with contextlib.closing(other):
        other.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.both_databases
async def test_who_comes_back_after_an_hour_waits_for_no_writer_and_is_noted_the_next_time(town: Town) -> None:
    cookie = await cookie_of(town)
    town.clock.shift = 2 * HOUR
    async with town.core.db.write() as session:
        await session.execute(select(Session).with_for_update())
        await session.execute(select(Token).with_for_update())
        await session.execute(text("UPDATE users SET timezone = timezone"))
        await let_in(town, cookie)
    assert await noted(town) == (False, False)
    await let_in(town, cookie)
    assert await noted(town) == (True, True)


async def test_nor_for_another_program_that_has_the_file_locked(town: Town) -> None:
    cookie = await cookie_of(town)
    town.clock.shift = 2 * HOUR
    with locked(town.core):
        await let_in(town, cookie)
    assert await noted(town) == (False, False)
    await let_in(town, cookie)
    assert await noted(town) == (True, True)


async def test_nor_does_somebody_in_chat_who_has_another_name_now(town: Town) -> None:
    first = SignedIdentity("discord", "", "4711", "Bob")
    known = await actor_of_identity(town.core, first, "discord")
    with locked(town.core):
        async with asyncio.timeout(AT_ONCE):
            again = await actor_of_identity(town.core, SignedIdentity("discord", "", "4711", "Bobby"), "discord")
    assert again.user_id == known.user_id


@pytest.mark.both_databases
async def test_a_database_that_takes_no_writes_still_serves_who_reads(town: Town) -> None:
    cookie = await cookie_of(town)
    town.clock.shift = 2 * HOUR
    refuse = "PRAGMA query_only=ON" if town.core.db.sqlite else "SET default_transaction_read_only = on"

    def to_read_only(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(refuse)
        cursor.close()
        connection.commit()

    await town.core.db.close()
    event.listen(town.core.db.engine.sync_engine, "connect", to_read_only)
    await let_in(town, cookie)
    assert await noted(town) == (False, False)


async def test_writers_who_wait_for_each_other_and_for_the_lock_give_up_after_one_patience_not_one_each(
    core: Core,
) -> None:
    core.db.patience = 0.5
    with locked(core):
        began = time.monotonic()
        ended = await asyncio.gather(*(core.step(count_up) for _ in range(6)), return_exceptions=True)
        took = time.monotonic() - began
    assert [type(each) for each in ended] == [OperationalError] * 6
    assert 0.5 <= took < 1
    assert await core.step(count_up) == 1


async def test_a_statement_that_is_a_transaction_by_itself_waits_no_longer_and_for_no_less(core: Core) -> None:
    async def alone() -> None:
        async with core.db.write_alone() as connection:
            await connection.execute(text("UPDATE service_flags SET value = '7'"))

    await core.step(count_up)
    core.db.patience = 0.3
    with locked(core):
        began = time.monotonic()
        with pytest.raises(OperationalError):
            await alone()
        assert time.monotonic() - began < 1
        core.db.patience = 15
        waiting = asyncio.create_task(alone())
        assert await core.ask(NOBODY, flag) == "1"
        assert not waiting.done()
    await waiting
    assert await core.ask(NOBODY, flag) == "7"


async def test_who_is_cancelled_while_waiting_for_the_lock_is_gone_at_once_and_lets_the_next_one_go_on(
    core: Core,
) -> None:
    await core.step(count_up)
    with locked(core):
        first, second = asyncio.create_task(core.step(count_up)), asyncio.create_task(core.step(count_up))
        for _ in range(20):  # by then the first of them asks for the lock
            assert await core.ask(NOBODY, flag) == "1"
        first.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert time.monotonic() - began < AT_ONCE
        assert not second.done()
    async with asyncio.timeout(AT_ONCE):
        assert await second == 2
    assert await counted(core) == 2
