"""One id tells the whole story of a message, from the request to the delivery that failed."""

import asyncio
import json
import logging
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from cli.logs import Json, OneLine
from core.settings import Settings
from core.trail import following
from tests.people import Town, until
from tests.servers import WebhookSink, free_port

ROOT = Path(__file__).resolve().parents[2]


async def role(name: str, settings: Settings, log: Path, **more: str) -> Process:
    """A role as its own process, with its log in a file, ready when its first line is there."""
    given = {
        "PYTHONPATH": str(ROOT),
        "SOONISH_DATA": str(settings.soonish_data),
        "TEMPORAL_URL": settings.temporal_url,
        "TEMPORAL_TASK_QUEUE": settings.temporal_task_queue,
        "SMTP_SERVER": settings.smtp_server,
        "SMTP_PORT": str(settings.smtp_port),
        "PUBLIC_BASE_URL": settings.public_base_url,
        "DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "UPDATE_DELAY_SECONDS": "0",
        "LOG_FORMAT": "json",
        **more,
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "run", name, env={**os.environ, **given}, stderr=output
        )

    async def lines() -> str:
        return await asyncio.to_thread(log.read_text)

    await until(lines, lambda text: "serving on" in text or "taking work" in text, 30)
    return process


async def test_one_id_tells_a_messages_story_in_the_logs_of_all_roles(
    town: Town, live_settings: Settings, hooks: WebhookSink, tmp_path: Path
) -> None:
    event = await town.event()
    for number, path in enumerate(("/well", "/gone")):
        hook = await town.channel(town.bob, hooks.url(path).replace("http:", "json:"), tag=f"hook{number}")
        await town.follow(town.bob, event, hook)
    port, metrics_port = free_port(), free_port()
    worker = await role("worker", live_settings, tmp_path / "worker.log", METRICS_PORT=str(metrics_port))
    web = await role("web", live_settings, tmp_path / "web.log", WEB_PORT=str(port))
    try:
        await hooks.wait_for(2, 20)
        hooks.answer("/gone", status=410)
        async with aiohttp.ClientSession() as session:
            asked = session.post(
                f"http://127.0.0.1:{port}/api/events/{event.id}/notify",
                json={"title": "Doors", "body": "Open at six."},
                headers={"Authorization": f"Bearer {town.alice.token}", "X-Request-Id": "chosen-by-a-stranger"},
            )
            async with asked as answer:
                assert answer.status == 202
                trail, sent = answer.headers["X-Request-Id"], await answer.json()
            report = await town.settled(sent["id"])
            assert (report.delivered, report.failed) == (1, 1)

            async def story() -> str:
                logs = [await asyncio.to_thread((tmp_path / f"{name}.log").read_text) for name in ("web", "worker")]
                return "\n".join(line for log in logs for line in log.splitlines() if trail in line)

            told = await until(story, lambda text: f"notification {sent['id']}: 1 delivered" in text)
            async with session.get(f"http://127.0.0.1:{metrics_port}/metrics") as answer:
                counted = await answer.text()
    finally:
        for process in (web, worker):
            process.terminate()
            await process.wait()
    for part in (
        "POST /api/events/{event_id}/notify: 202",
        f"send_message: done, event:{(await town.row(event)).id}",
        "rang send_manual_notification for event",
        f"owes notification {sent['id']}",
        f"notification {sent['id']} (message): 2 claimed",
        "http_410, dead",
        f"notification {sent['id']}: 1 delivered, 1 failed",
    ):
        assert part in told, told
    assert "chosen-by-a-stranger" not in told
    assert 'soonish_deliveries_total{code="http_410",kind="message",outcome="dead"} 1.0' in counted
    assert not [secret for secret in ("example.org", "json://", "/gone", town.alice.token) if secret in told + counted]


async def test_those_whose_welcomes_travel_together_each_find_theirs(
    live: Town, hooks: WebhookSink, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.handler.setFormatter(OneLine())
    event = await live.event()
    with following("alpha-0001"):
        await live.follow(live.bob, event, await live.channel(live.bob, hooks.url("/b").replace("http:", "json:")))
    with following("beta-00002"):
        await live.follow(live.carol, event, await live.channel(live.carol, hooks.url("/c").replace("http:", "json:")))
    await hooks.wait_for(2)

    async def log() -> list[str]:
        return [line for line in caplog.text.splitlines() if "(welcome):" in line]

    for trail in ("alpha-0001", "beta-00002"):
        await until(log, lambda lines, trail=trail: any(trail in line for line in lines))  # type: ignore[misc]


@pytest.fixture
def record() -> Iterator[logging.LogRecord]:
    with following("trail-one", "trail-two"):
        yield logging.LogRecord("soonish.test", logging.INFO, "f", 1, "sent to %s", ("nora@example.org",), None)


def test_a_record_is_one_json_object_with_its_trail_and_without_addresses(record: logging.LogRecord) -> None:
    line = json.loads(Json().format(record))
    assert (line["level"], line["message"]) == ("INFO", "sent to <address>")
    assert line["trail"] == ["trail-one", "trail-two"]
    assert " soonish.test [trail-one,trail-two] sent to" in OneLine().format(record)
