"""Far ends that misbehave, all in one message: each ends as it should, with a reason, and holds up nobody else."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from core.delivery.addresses import mail_channel
from core.delivery.channels import read_channel
from core.notifications.model import NewMessage, Report
from core.notifications.usecases import send_message
from core.settings import Settings
from tests.faults.test_worker_killed import crowd_at
from tests.people import Clock, Town, people_of, until
from tests.servers import SmtpSink, WebhookSink
from worker.main import working

GOOD = 19
EACH = 20


@pytest.fixture
async def town(live_settings: Settings, clock: Clock) -> AsyncIterator[Town]:
    """With a worker that gives up on a far end after two seconds."""
    settings = live_settings.model_copy(update={"delivery_timeout_seconds": 2.0})
    async with working(settings, clock=clock) as worker:
        yield await people_of(worker.core, settings, clock)


async def send(town: Town, urls: list[str]) -> int:
    """A message to these, one row each; its id."""
    event = await town.event()
    channels = [mail_channel(url) if "://" not in url else read_channel(url) for url in urls]
    await crowd_at(town, (await town.row(event)).id, channels)
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Doors", body="At six."))
    return sent.id


def said(report: Report) -> dict[str, str]:
    """What the report says of each row, by the number in its label."""
    return {row.label.split()[-1]: f"{row.status}: {row.reason or ''}".rstrip(": ") for row in report.results}


async def test_webhooks_that_misbehave_end_as_they_should_and_hold_up_nobody_else(town: Town) -> None:
    async with contextlib.AsyncExitStack() as stack:
        hang, reset, slow_down, gone, stumbles, good = [
            await stack.enter_async_context(WebhookSink()) for _ in range(6)
        ]
        hang.answer(hang=True)
        reset.answer(reset=True)
        slow_down.answer(status=429, headers={"Retry-After": "1"})
        gone.answer(status=410)
        stumbles.answer(status=500)
        sinks = [hang, reset, slow_down, gone, stumbles, *[good] * 20]
        sent = await send(town, [sink.url(f"/{number}").replace("http:", "json:") for number, sink in enumerate(sinks)])
        await good.wait_for(20, 5)
        await slow_down.wait_for(1)
        slow_down.answer()
        await stumbles.wait_for(2)
        stumbles.answer()
        report = await town.settled(sent, 30)
        rows = said(report)
        assert [rows[str(number)].split(":")[0] for number in range(5)] == [
            "dead", "dead", "delivered", "dead", "delivered",
        ]  # fmt: skip
        assert (report.delivered, report.failed) == (22, 3)
        assert len({rows["0"], rows["1"], rows["3"]}) == 3
        assert good.counts() == {f"/{number}": 1 for number in range(5, 25)}
        assert slow_down.counts()["/2"] == 2
        assert gone.counts() == {"/3": 1}


async def test_one_dead_host_among_twenty_holds_up_none_of_the_others(town: Town) -> None:
    """Compared within one run: everybody on nineteen hosts, and then the same with a twentieth that hangs."""
    async with contextlib.AsyncExitStack() as stack:
        good = [await stack.enter_async_context(WebhookSink()) for _ in range(GOOD)]
        dead = await stack.enter_async_context(WebhookSink())
        dead.answer(hang=True)
        took = []
        for name, sinks in (("first", good), ("second", [dead, *good])):
            paths = [f"/{name}/{number}" for number in range(EACH)]
            urls = [sink.url(path).replace("http:", "json:") for sink in sinks for path in paths]
            before = [len(sink.requests) for sink in good]
            began = time.perf_counter()
            await send(town, urls)
            await asyncio.gather(*(sink.wait_for(had + EACH, 10) for sink, had in zip(good, before, strict=True)))
            took.append(time.perf_counter() - began)
        # The two seconds that one send to the dead host takes are never in it.
        assert took[1] < took[0] + 1.5, took
        assert all(set(sink.counts().values()) == {1} for sink in good)


async def test_mail_servers_answers_are_told_apart_and_nobody_gets_a_mail_twice(town: Town, smtp: SmtpSink) -> None:
    smtp.refuse("away@example.org", 421, "4.3.2 Shutting down")
    smtp.refuse("full@example.org", 451, "4.3.0 Try again later")
    smtp.refuse("nobody@example.org", 550, "5.1.1 No such mailbox")
    people = ["away@example.org", "full@example.org", "nobody@example.org"]
    people += [f"guest{number}@example.org" for number in range(50)]
    sent = await send(town, people)
    await smtp.wait_for(50, 10)

    async def both_refused() -> bool:
        return bool(smtp.refused["away@example.org"] and smtp.refused["full@example.org"])

    await until(both_refused, bool)
    smtp.accept("away@example.org")
    smtp.accept("full@example.org")
    report = await town.settled(sent, 30)
    rows = said(report)
    assert (report.delivered, report.failed) == (52, 1)
    assert rows["2"].startswith("dead")
    assert smtp.refused["nobody@example.org"] == 1
    mails = {address: count for address, count in smtp.counts().items() if not address.startswith("alice")}
    assert set(mails.values()) == {1}
    assert len(mails) == 52


async def test_a_mail_server_that_goes_away_halfway_and_comes_back_gets_every_mail_once(
    town: Town, smtp: SmtpSink
) -> None:
    smtp.delay = 0.02
    sent = await send(town, [f"guest{number}@example.org" for number in range(200)])
    await smtp.wait_for(60, 15)
    await smtp.stop()
    smtp.delay = 0.0
    await smtp.start()
    report = await town.settled(sent, 40)
    assert (report.delivered, report.failed) == (200, 0)
    reached = {address: count for address, count in smtp.counts().items() if address.startswith("guest")}
    assert len(reached) == 200
    # What was taken and not acknowledged when the connections broke came again.
    assert sum(reached.values()) - 200 <= 10
