"""Limits count in windows, for everybody who shares the database."""

import datetime as dt

import pytest

from core.errors import Code, SoonishError
from core.limits import HOUR, demand, take
from core.upkeep import tidy
from core.work import Core, Work
from tests.core.look import NOBODY, refusal, table_sizes
from tests.people import Clock


async def test_a_window_takes_its_limit_and_says_how_long_it_lasts(core: Core, clock: Clock) -> None:
    async def once(work: Work) -> int | None:
        return await take(work, "x", "bob", 2, HOUR)

    assert [await core.step(once) for _ in range(2)] == [None, None]
    wait = await core.step(once)
    assert wait is not None
    assert 3595 < wait <= 3601
    clock.shift = dt.timedelta(seconds=wait)
    assert await core.step(once) is None


async def test_names_and_people_are_counted_apart(core: Core) -> None:
    async def each(work: Work) -> list[int | None]:
        return [await take(work, name, who, 1, HOUR) for name, who in (("x", "a"), ("x", "b"), ("y", "a"))]

    assert await core.step(each) == [None, None, None]


async def test_an_amount_that_does_not_fit_is_refused_and_takes_nothing(core: Core) -> None:
    async def some(work: Work, amount: int) -> None:
        await demand(work, "x", "bob", 10, HOUR, amount)

    await core.act(NOBODY, some, 8)
    refused = await refusal(core.act(NOBODY, some, 3), Code.LIMITED)
    assert refused.retry_after
    assert str(refused.retry_after) in (refused.hint or "")
    await core.act(NOBODY, some, 2)
    with pytest.raises(SoonishError):
        await core.act(NOBODY, some, 1)


async def test_windows_that_are_over_are_erased(core: Core, clock: Clock) -> None:
    async def once(work: Work) -> int | None:
        return await take(work, "x", "bob", 1, HOUR)

    await core.step(once)
    assert (await core.step(tidy))["buckets"] == 0
    clock.shift = dt.timedelta(hours=2)
    assert (await core.step(tidy))["buckets"] == 1
    assert (await table_sizes(core))["buckets"] == 0
