"""One host in trouble is left alone and holds nobody else up."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from core.delivery import hosts as hosts_module
from core.delivery.hosts import Hosts
from core.delivery.message import OK, Message, Outcome
from core.delivery.policy import DestinationPolicy

FAULT = Outcome(False, "timeout", host_fault=True)
REFUSAL = Outcome(False, "http_404", permanent=True)
PAUSE = Outcome(False, "http_429", retry_after=20.0, deferred=True, host_wide=True)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def attempt(hosts: Hosts, outcome: Outcome, host: str = "h:443") -> Outcome | None:
    """One delivery with this outcome; what the gate said instead, if it was closed."""
    async with hosts.slot(host) as gate:
        if gate.deferral is None:
            hosts.record(host, outcome)
        return gate.deferral


async def broken(clock: Clock, faults: int = 5) -> Hosts:
    hosts = Hosts(32, clock)
    for _ in range(faults):
        assert await attempt(hosts, FAULT) is None
    return hosts


async def test_the_breaker_opens_after_five_faults_in_a_row() -> None:
    hosts = await broken(Clock())
    deferral = await attempt(hosts, OK)
    assert deferral is not None
    assert (deferral.code, deferral.deferred, deferral.retry_after) == ("breaker_open", True, 30.0)
    assert hosts.states() == {"h:443": "open"}


async def test_a_refusal_between_faults_is_a_sign_of_life() -> None:
    hosts = await broken(Clock(), faults=4)
    await attempt(hosts, REFUSAL)
    assert await attempt(hosts, FAULT) is None
    assert await attempt(hosts, OK) is None


async def test_half_open_lets_one_through_and_closes_when_it_arrives() -> None:
    clock = Clock()
    hosts = await broken(clock)
    clock.now += 31
    assert hosts.states() == {"h:443": "half_open"}
    async with hosts.slot("h:443") as probe:
        assert probe.deferral is None
        second = await attempt(hosts, OK)
        assert second is not None
        assert second.code == "breaker_open"
        hosts.record("h:443", OK)
    assert await attempt(hosts, OK) is None
    assert hosts.states() == {}


async def test_a_failed_trial_doubles_the_wait_up_to_ten_minutes() -> None:
    clock = Clock()
    hosts = await broken(clock)
    for seconds in (60.0, 120.0, 240.0, 480.0, 600.0, 600.0):
        clock.now += 601
        assert await attempt(hosts, FAULT) is None
        deferral = await attempt(hosts, OK)
        assert deferral is not None
        assert deferral.retry_after == seconds


async def test_a_trial_that_was_cancelled_leaves_the_door_for_the_next() -> None:
    clock = Clock()
    hosts = await broken(clock)
    clock.now += 31
    with pytest.raises(asyncio.CancelledError):
        async with hosts.slot("h:443"):
            raise asyncio.CancelledError
    assert await attempt(hosts, OK) is None


async def test_faults_under_way_when_it_opened_do_not_count_twice() -> None:
    hosts = await broken(Clock())
    for _ in range(10):
        hosts.record("h:443", FAULT)
    deferral = await attempt(hosts, OK)
    assert deferral is not None
    assert deferral.retry_after == 30.0


async def test_a_host_that_asks_for_a_pause_gets_it_and_only_that_host() -> None:
    clock = Clock()
    hosts = Hosts(32, clock)
    await attempt(hosts, PAUSE)
    clock.now += 5
    deferral = await attempt(hosts, OK)
    assert deferral is not None
    assert (deferral.code, deferral.retry_after) == ("host_paused", 15.0)
    assert await attempt(hosts, OK, "other:443") is None
    clock.now += 16
    assert await attempt(hosts, OK) is None


async def test_a_wait_for_one_address_pauses_nobody_else_there() -> None:
    hosts = Hosts(32, Clock())
    await attempt(hosts, Outcome(False, "http_429", retry_after=20.0, deferred=True))
    assert await attempt(hosts, OK) is None


@pytest.mark.parametrize("code", ["blocked", "error", "unreadable", "breaker_open", "host_busy"])
async def test_what_says_nothing_about_the_host_does_not_count(code: str) -> None:
    hosts = await broken(Clock(), faults=4)
    hosts.record("h:443", Outcome(False, code))
    await attempt(hosts, FAULT)
    assert hosts.states() == {"h:443": "open"}


async def test_a_host_takes_half_the_window_and_the_next_waits_for_a_place() -> None:
    hosts = Hosts(4, Clock())
    async with hosts.slot("h:443"), asyncio.TaskGroup() as tasks:
        async with hosts.slot("h:443"):
            waiting = tasks.create_task(attempt(hosts, OK))
            await asyncio.sleep(0)
            assert not waiting.done()
        assert await waiting is None


async def test_a_full_host_that_makes_no_progress_is_not_waited_for() -> None:
    clock = Clock()
    hosts = Hosts(2, clock)
    async with hosts.slot("h:443"):
        clock.now += 1.1
        deferral = await attempt(hosts, OK)
    assert deferral is not None
    assert (deferral.code, deferral.deferred) == ("host_busy", True)


async def test_those_who_wait_leave_when_the_breaker_opens() -> None:
    hosts = Hosts(2, Clock())
    async with hosts.slot("h:443"), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(attempt(hosts, OK))
        await asyncio.sleep(0)
        for _ in range(5):
            hosts.record("h:443", FAULT)
        deferral = await waiting
    assert deferral is not None
    assert deferral.code == "breaker_open"


async def test_a_waiter_that_is_cancelled_gives_its_place_on() -> None:
    hosts = Hosts(2, Clock())
    async with hosts.slot("h:443"):
        first, second = (asyncio.create_task(attempt(hosts, OK)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
    assert await second is None
    assert first.cancelled() or first.done()
    assert hosts.states() == {}


async def test_a_hundred_thousand_healthy_hosts_leave_nothing_behind() -> None:
    hosts = Hosts(32)
    for number in range(100_000):
        await attempt(hosts, OK, f"h{number}:443")
    assert hosts.states() == {}


async def test_hosts_that_failed_once_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts_module, "SWEEP_EVERY", 10)
    clock = Clock()
    hosts = Hosts(32, clock)
    for number in range(10_000):
        clock.now += 1
        await attempt(hosts, FAULT, f"h{number}:443")
    assert len(hosts.states()) < 5000


async def test_one_dead_host_of_twenty_does_not_hold_up_the_others(
    senders: Callable[..., Any], servers: Callable[[], Any], policy: DestinationPolicy, message: Message
) -> None:
    """All live deliveries arrive while every attempt at the dead host still hangs: nothing is timed, only counted."""
    release = asyncio.Event()
    done: list[str] = []
    live_done = asyncio.Event()

    async def hang(_: Any) -> Any:
        await release.wait()
        raise ConnectionError

    async with servers() as dead, servers() as live, senders(policy) as sender:
        dead.answers["/hook"] = hang
        urls = [f"json://{dead.at}/hook" if n % 20 == 0 else f"json://{live.at}/{n}" for n in range(800)]
        hosts, queue = Hosts(32), iter(urls)

        async def courier() -> None:
            for url in queue:
                host = sender.host_of(url)
                async with hosts.slot(host) as gate:
                    outcome = gate.deferral or await sender.send(url, message)
                    hosts.record(host, outcome)
                if host == live.at and outcome.delivered:
                    done.append(url)
                    if len(done) == 760:
                        live_done.set()

        workers = [asyncio.create_task(courier()) for _ in range(32)]
        async with asyncio.timeout(10):
            await live_done.wait()
        assert len(dead.received) == 16
        release.set()
        await asyncio.gather(*workers)
    assert len(set(done)) == 760
