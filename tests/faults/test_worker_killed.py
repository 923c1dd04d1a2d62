"""kill -9 in the middle of a fan-out: nothing lost, little repeated, and the report exact. Counted at the far end."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence

from sqlalchemy import insert

from core.db.models import Integration, Subscription
from core.delivery.addresses import Channel
from core.delivery.channels import read_channel
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.settings import Settings
from tests.people import Town
from tests.servers import WebhookSink, free_port

PEOPLE = 2_000
REPEATED_AT_MOST = 48


async def start_worker(settings: Settings) -> Process:
    """A worker as its own process, ready when it says so."""
    heard, told = os.pipe()
    code = (
        "import os, sys; from core.settings import Settings; from worker.main import run; "
        f"run(Settings(_env_file=None), lambda: os.write({told}, b'r'))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env={**os.environ, **environment(settings)}, pass_fds=(told,), stderr=DEVNULL
    )
    os.close(told)
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(None, os.read, heard, 1) == b"r"
    os.close(heard)
    return process


def environment(settings: Settings) -> dict[str, str]:
    token = settings.discord_bot_token
    as_bot = {
        "DISCORD_BOT_TOKEN": token.get_secret_value(),
        "DISCORD_API_BASE_URL": settings.discord_api_base_url,
        "DISCORD_REQUESTS_PER_SECOND": str(settings.discord_requests_per_second),
    } if token else {}  # fmt: skip
    return {
        "PYTHONPATH": os.getcwd(),
        "SOONISH_DATA": str(settings.soonish_data),
        "TEMPORAL_URL": settings.temporal_url,
        "TEMPORAL_TASK_QUEUE": settings.temporal_task_queue,
        "SMTP_SERVER": settings.smtp_server,
        "SMTP_PORT": str(settings.smtp_port),
        "PUBLIC_BASE_URL": settings.public_base_url,
        "DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
        **as_bot,
    }


async def crowd(town: Town, event_row_id: int, sink: WebhookSink, count: int) -> None:
    """That many webhook subscribers, each with a path of its own."""
    paths = [sink.url(f"/{number}").replace("http:", "json:") for number in range(count)]
    await crowd_at(town, event_row_id, [read_channel(path) for path in paths])


async def crowd_at(town: Town, event_row_id: int, channels: Sequence[Channel]) -> None:
    now, core = town.clock.now(), town.core
    async with core.db.write() as session:
        rows = await session.scalars(
            insert(Integration).returning(Integration.id),
            [
                {
                    "name": "Hook", "tag": "hook", "kind": channel.kind, "label": f"hook {number}", "is_active": True,
                    "failures": 0, "created_at": now, "apprise_url": core.keys.seal(channel.url),
                    "destination": core.keys.digest("destination", channel.destination),
                }
                for number, channel in enumerate(channels)
            ],
        )  # fmt: skip
        await session.execute(
            insert(Subscription),
            [
                {"event_id": event_row_id, "integration_id": integration, "state": "active",
                 "requested_at": now, "created_at": now}
                for integration in rows
            ],
        )  # fmt: skip


async def test_a_worker_killed_in_the_middle_loses_nothing_and_repeats_little(
    town: Town, live_settings: Settings, hooks: WebhookSink
) -> None:
    event = await town.event()
    await crowd(town, (await town.row(event)).id, hooks, PEOPLE)
    first = await start_worker(live_settings)
    try:
        sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Fan", body="out"))
        await hooks.wait_for(PEOPLE // 3, 30)
    finally:
        first.send_signal(signal.SIGKILL)
        await first.wait()
    assert len(hooks.requests) < PEOPLE
    second = await start_worker(live_settings)
    try:
        # Sooner than a lease ends: who is alone takes over what the dead one held.
        found = await town.settled(sent.id, 25)
    finally:
        second.terminate()
        await second.wait()
    reached = hooks.counts()
    assert len(reached) == PEOPLE
    assert sum(reached.values()) - PEOPLE <= REPEATED_AT_MOST
    assert (found.delivered, found.failed, found.skipped) == (PEOPLE, 0, 0)


async def test_a_worker_that_waits_for_temporal_stops_when_told(live_settings: Settings) -> None:
    away = live_settings.model_copy(update={"temporal_url": f"127.0.0.1:{free_port()}"})
    code = "from core.settings import Settings; from worker.main import run; run(Settings(_env_file=None))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env={**os.environ, **environment(away)}, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async with asyncio.timeout(20):
        while b"does not answer" not in await process.stderr.readline():
            pass
        process.terminate()
        assert await process.wait() == 0
