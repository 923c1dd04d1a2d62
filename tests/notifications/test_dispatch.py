"""The dispatcher: who goes next, how many at once, and whom nobody holds up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from core.delivery.hosts import Hosts
from core.delivery.message import OK, Outcome
from core.notifications.dispatch import Dispatcher
from core.notifications.kinds import Lane

FAULT = Outcome(False, "timeout", host_fault=True)


@dataclass
class World:
    """Sends that end when they are told to."""

    window: int = 8
    clock: float = 1000.0
    running: list["Send"] = field(default_factory=list)
    ended: list[tuple[str, Outcome]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dispatcher = Dispatcher(Hosts(self.window, lambda: self.clock), self.window)

    def send(self, *names: str, host: str = "h", lane: Lane = "bulk") -> list["Send"]:
        sends = [Send(self, name, host, lane) for name in names]
        self.dispatcher.submit(sends)
        return sends

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not reached():  # noqa: ASYNC110 - a turn of the loop, not a time
                await asyncio.sleep(0)

    async def finish(self, send: "Send", outcome: Outcome = OK, *, recorded: bool = True) -> None:
        send.answer.set_result(outcome)
        await self.until(lambda: any(name == send.name for name, _ in self.ended))
        if recorded:
            self.dispatcher.recorded(1)


@dataclass(eq=False)
class Send:
    world: World
    name: str
    host: str
    lane: Lane

    def __post_init__(self) -> None:
        self.answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    async def run(self) -> Outcome:
        self.world.running.append(self)
        return await self.answer

    def done(self, outcome: Outcome | None, *, ran: bool) -> None:
        assert outcome is not None
        if self in self.world.running:
            self.world.running.remove(self)
        self.world.ended.append((self.name, outcome))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    world.dispatcher.withdraw(lambda _: True)
    for send in list(world.running):
        send.answer.set_result(OK)
    world.dispatcher.recorded(100)
    await world.dispatcher.drained()
    world.dispatcher.close()


async def test_bulk_leaves_a_quarter_of_the_window_to_those_who_wait(world: World) -> None:
    for number in range(20):
        world.send(f"bulk {number}", host=f"h{number}")
    await world.until(lambda: len(world.running) == 6)
    world.send("reminder", host="other", lane="prompt")
    await world.until(lambda: len(world.running) == 7)
    assert world.running[-1].name == "reminder"


async def test_prompt_messages_overtake_waiting_bulk(world: World) -> None:
    bulk = [world.send(f"bulk {number}", host=f"h{number}")[0] for number in range(20)]
    prompt = [world.send(f"prompt {number}", host=f"p{number}", lane="prompt")[0] for number in range(4)]
    await world.until(lambda: len(world.running) == 8)
    await world.finish(bulk[0])
    await world.until(lambda: prompt[2] in world.running)
    assert bulk[6] not in world.running


async def test_a_host_that_hangs_does_not_hold_up_the_others(world: World) -> None:
    world.send(*(f"dead {number}" for number in range(50)), host="dead")
    for number in range(50):
        live = world.send(f"live {number}", host="live")[0]
        await world.until(lambda live=live: live in world.running)  # type: ignore[misc]
        await world.finish(live)
    assert len(world.running) == 4
    assert {send.host for send in world.running} == {"dead"}


async def test_a_full_host_goes_on_the_moment_one_of_its_sends_ends(world: World) -> None:
    sends = world.send(*(str(number) for number in range(30)), host="h")
    async with asyncio.timeout(0.9):  # full hosts are looked at again after a second, which is not meant here
        for send in sends:
            await world.until(lambda send=send: send in world.running)  # type: ignore[misc]
            await world.finish(send)


async def test_a_send_that_breaks_ends_as_an_error_of_ours_and_holds_up_nothing(world: World) -> None:
    broken, fine = world.send("broken", "fine")
    await world.until(lambda: fine in world.running)
    broken.answer.set_exception(RuntimeError("broken"))
    await world.until(lambda: len(world.ended) == 1)
    world.dispatcher.recorded(1)
    await world.finish(fine)
    assert [(name, outcome.code, outcome.permanent) for name, outcome in world.ended] == [
        ("broken", "error", False), ("fine", "ok", False)
    ]  # fmt: skip


async def test_jobs_of_a_host_that_stays_stuck_are_put_off_and_not_kept(world: World) -> None:
    world.send(*(f"dead {number}" for number in range(10)), host="dead")
    await world.until(lambda: len(world.running) == 4)
    world.clock += 2
    world.dispatcher._look_again()
    assert [outcome.code for _, outcome in world.ended] == ["host_busy"] * 6


async def test_when_a_breaker_opens_what_waits_for_the_host_is_put_off(world: World) -> None:
    sends = world.send(*(str(number) for number in range(30)), host="dead")
    for send in sends[:5]:
        await world.until(lambda send=send: send in world.running)  # type: ignore[misc]
        await world.finish(send, FAULT)
    await world.until(lambda: len(world.ended) >= 20)
    assert {outcome.code for name, outcome in world.ended if int(name) > 8} == {"breaker_open"}


async def test_what_ran_and_is_not_recorded_is_bounded(world: World) -> None:
    sends = [world.send(str(number), host=f"h{number}", lane="prompt")[0] for number in range(40)]
    for send in sends[:12]:
        await world.until(lambda send=send: send in world.running)  # type: ignore[misc]
        await world.finish(send, recorded=False)
    assert not world.running
    world.dispatcher.recorded(12)
    await world.until(lambda: len(world.running) == 8)


async def test_withdrawn_jobs_never_run(world: World) -> None:
    world.send(*(str(number) for number in range(10)), host="h")
    await world.until(lambda: len(world.running) == 4)
    taken = world.dispatcher.withdraw(lambda job: isinstance(job, Send) and job.name != "9")
    assert [send.name for send in taken if isinstance(send, Send)] == ["4", "5", "6", "7", "8"]
    for send in list(world.running):
        await world.finish(send)
    await world.until(lambda: [send.name for send in world.running] == ["9"])
