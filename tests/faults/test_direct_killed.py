"""kill -9 in the middle of two thousand direct messages: nobody goes without, and nobody reads theirs twice."""

import signal

from cli.demo.small_discord.rest import DiscordRest
from core.delivery.addresses import discord_direct
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from tests.conftest import MakeSettings
from tests.faults.test_worker_killed import PEOPLE, REPEATED_AT_MOST, crowd_at, start_worker
from tests.people import Town
from tests.servers import SmtpSink, TemporalServer


async def test_a_worker_killed_among_direct_messages_loses_none_and_nobody_reads_one_twice(
    town: Town, discord: DiscordRest, make_settings: MakeSettings, temporal: TemporalServer, smtp: SmtpSink
) -> None:
    settings = make_settings(
        **discord.settings,
        temporal_url=temporal.address,
        smtp_server=smtp.host,
        smtp_port=smtp.port,
        # The town's own: its outbox is this worker's.
        temporal_task_queue=town.settings.temporal_task_queue,
    )
    event = await town.event()
    await crowd_at(town, (await town.row(event)).id, [discord_direct(str(10**17 + n)) for n in range(PEOPLE)])
    first = await start_worker(settings)
    try:
        sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Fan", body="out"))
        # Two requests for each: one opens the channel.
        await discord.wait_for_calls(2 * PEOPLE // 3)
    finally:
        first.send_signal(signal.SIGKILL)
        await first.wait()
    assert len(discord.messages) < PEOPLE
    second = await start_worker(settings)
    try:
        found = await town.settled(sent.id, 40)
    finally:
        second.terminate()
        await second.wait()
    asked = discord.counts()
    assert len(asked) == PEOPLE
    assert sum(asked.values()) - PEOPLE <= REPEATED_AT_MOST
    assert len(discord.messages) == PEOPLE
    assert (found.delivered, found.failed, found.skipped) == (PEOPLE, 0, 0)
