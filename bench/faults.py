"""What a fault costs the people who wait for a message: each process killed with -9 in the middle of ten thousand,
Temporal away while a thousand commands arrive, five hundred reminders in one second. Counted where they arrive."""

import asyncio
import contextlib
import datetime as dt
import math
import os
import signal
import statistics
import time
from collections.abc import Callable, Coroutine
from typing import Any

from bench.product import Product, Sink, product, sink
from bench.rows import Row

PEOPLE = 10_000
KILLED_AFTER = PEOPLE // 3
REPEATED_AT_MOST = 48
"""What one worker may have sent without having recorded it."""
COMMANDS = 1_000
A_SECOND = 1_000 / 60
"""Commands arrive at this pace, for a minute, whether or not the one before was answered."""
_STUCK = 150.0
REMINDERS = 500
_AHEAD, _LEAD = 100, 20
"""Seconds in which all of them can be created and come to rest, and by which their schedules fire early."""

Fault = Callable[[Product], Coroutine[Any, Any, None]]


async def faults() -> list[Row]:
    rows: list[Row] = []
    for role in ("worker", "temporal", "web", "supervisor"):
        rows += await _killed(role)
    rows += await _away("stopped", _stopped)
    rows += await _away("gone", _gone)
    return rows


async def _killed(role: str) -> list[Row]:
    async with sink() as far, product(far.smtp) as soonish:
        event_id = await soonish.followed_by(PEOPLE, f"json://127.0.0.1:{far.http}/hook/{{n}}")
        await far.reset()
        sent, began = await soonish.notify(event_id)
        await far.until(KILLED_AFTER)
        if role == "supervisor":
            await soonish.killed_and_started_again()
        else:
            os.kill(soonish.pid(role), signal.SIGKILL)
        found = await far.quiet(PEOPLE, stuck=_STUCK)
        report = await _settled(soonish, sent)
    repeated = found["count"] - found["different"]
    return [
        Row(f"{role} killed: lost", PEOPLE - found["different"], "messages", must_be_zero=True),
        Row(f"{role} killed: twice", repeated, "messages"),
        Row(
            f"{role} killed: twice, over {REPEATED_AT_MOST}", max(0, repeated - REPEATED_AT_MOST), "", must_be_zero=True
        ),
        Row(f"{role} killed: wrong in the report", PEOPLE - report["delivered"], "rows", must_be_zero=True),
        Row(f"{role} killed: last one in after", (found["last_new"] or began) - began, "s"),
    ]


async def _away(how: str, fault: Fault) -> list[Row]:
    """Messages to one subscriber, one command each, from the fault's beginning on."""
    async with sink() as far, product(far.smtp) as soonish:
        event_id = await soonish.followed_by(1, f"json://127.0.0.1:{far.http}/hook/1")
        await far.reset()
        faulty = asyncio.create_task(fault(soonish))
        took, sent = await _commands(soonish, event_id)
        await faulty
        found = await far.quiet(1, quiet=20.0, stuck=_STUCK)
        reports = [await _settled(soonish, each) for each in sent]
    ordered = sorted(took)
    delivered = sum(report["delivered"] for report in reports)
    return [
        Row(f"Temporal {how}: a command, p50", statistics.median(ordered), "ms"),
        Row(f"Temporal {how}: a command, p95", ordered[int(len(ordered) * 0.95)], "ms"),
        Row(f"Temporal {how}: not answered", COMMANDS - len(sent), "commands", must_be_zero=True),
        Row(f"Temporal {how}: lost", COMMANDS - delivered, "messages", must_be_zero=True),
        Row(f"Temporal {how}: arrived, beside what should", abs(found["count"] - COMMANDS), "", must_be_zero=True),
    ]


async def _commands(soonish: Product, event_id: str) -> tuple[list[float], list[int]]:
    """How long each took in ms, and the messages that came of them."""
    took: list[float] = []
    sent: list[int] = []

    async def command() -> None:
        began = time.perf_counter()
        accepted, _ = await soonish.notify(event_id)
        took.append((time.perf_counter() - began) * 1000)
        sent.append(accepted)

    tasks = []
    for _ in range(COMMANDS):
        tasks.append(asyncio.create_task(command()))
        await asyncio.sleep(1 / A_SECOND)
    await asyncio.gather(*tasks, return_exceptions=True)
    return took, sent


async def _stopped(soonish: Product) -> None:
    pid = soonish.pid("temporal")
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(COMMANDS / A_SECOND)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


async def _gone(soonish: Product) -> None:
    """Killed as often as the supervisor starts it again."""
    until = time.monotonic() + COMMANDS / A_SECOND
    while time.monotonic() < until:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, ValueError):
            os.kill(soonish.pid("temporal"), signal.SIGKILL)
        await asyncio.sleep(0.2)


async def _settled(soonish: Product, notification_id: int) -> dict[str, int]:
    """The report, when nothing waits any more or nothing changes that."""
    for _ in range(150):
        report: dict[str, int] = await soonish.call("GET", f"/api/notifications/{notification_id}")
        if not report["waiting"]:
            break
        await asyncio.sleep(0.2)
    return report


def _planner(far: Sink) -> contextlib.AbstractAsyncContextManager[Product]:
    return product(far.smtp, EVENTS_PER_ORGANIZER_DAY=str(REMINDERS), REMINDER_LEAD_SECONDS=str(_LEAD))


async def reminders() -> list[Row]:
    """Five hundred events whose reminders are due in the same second, each through a schedule of its own."""
    async with sink() as far, _planner(far) as soonish:
        due = math.ceil(time.time()) + _AHEAD
        start = dt.datetime.fromtimestamp(due, dt.UTC) + dt.timedelta(hours=1)
        for number in range(REMINDERS):
            await soonish.followed_at(start, f"json://127.0.0.1:{far.http}/reminded/{number}")
        ready = time.time()
        await asyncio.sleep(max(0.0, due - 2 - ready))
        await far.reset()
        found = await far.quiet(REMINDERS)
    return [
        Row("all were there before it was due", max(0, round(ready - (due - 2))), "s too late", must_be_zero=True),
        Row("first one in", (found["first"] or due) - due, "s after it was due"),
        Row("last one in", (found["last_new"] or due) - due, "s after it was due"),
        Row("too early", float((found["first"] or due) < due), "", must_be_zero=True),
        Row("lost", REMINDERS - found["different"], "messages", must_be_zero=True),
        Row("doubled", found["count"] - found["different"], "messages", must_be_zero=True),
    ]
