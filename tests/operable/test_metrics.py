"""What Prometheus reads after real deliveries, and who may read it."""

import datetime as dt
import re

import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from core.contracts import REMINDER_KINDS
from core.delivery.message import Outcome
from core.metrics import labels
from core.metrics.backlog import BacklogGauge, depths, oldest_due
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.settings import Settings
from tests.people import Town, until
from tests.servers import WebhookSink
from worker.main import RunningWorker


def value(page: str, name: str, **wanted: str) -> float:
    """The sum of a metric's series with these labels."""
    found = 0.0
    for line in page.splitlines():
        series, _, number = line.rpartition(" ")
        if series.partition("{")[0] == name and all(f'{key}="{text}"' in series for key, text in wanted.items()):
            found += float(number)
    return found


async def test_deliveries_are_counted_by_kind_outcome_and_reason(
    live: Town, worker: RunningWorker, hooks: WebhookSink
) -> None:
    event = await live.event()
    for person, path in ((live.bob, "/well"), (live.carol, "/gone")):
        await live.follow(person, event, await live.channel(person, hooks.url(path).replace("http:", "json:")))
    await hooks.wait_for(2)
    hooks.answer("/gone", status=410)
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Hi", body="All"))
    await live.settled(sent.id)

    async def page() -> str:
        return (await worker.metrics.text()).decode()

    read = await until(page, lambda text: value(text, "soonish_deliveries_total", kind="message") == 2)
    assert value(read, "soonish_deliveries_total", kind="message", outcome="delivered", code="ok") == 1
    assert value(read, "soonish_deliveries_total", kind="message", outcome="dead", code="http_410") == 1
    assert value(read, "soonish_deliveries_total", kind="welcome", outcome="delivered") == 2
    assert value(read, "soonish_channel_deliveries_total", channel="json", outcome="dead") == 1
    assert value(read, "soonish_delivery_seconds_count", lane="bulk") == 1
    assert value(read, "soonish_signals_total", signal="send_manual_notification") == 1
    assert value(read, "soonish_relay_lag_seconds_count") >= 3
    assert value(read, "soonish_temporal_up") == value(read, "soonish_database_up") == 1
    assert not re.search(r"example\.org|json://|127\.0\.0\.1|/gone", read)


async def test_how_late_a_reminder_was_is_known(live: Town, worker: RunningWorker, hooks: WebhookSink) -> None:
    event = await live.event(live.in_(hours=1, seconds=3))
    await live.follow(live.bob, event, await live.channel(live.bob, hooks.url("/b").replace("http:", "json:")))

    async def page() -> str:
        return (await worker.metrics.text()).decode()

    name = "soonish_reminder_lateness_seconds"
    read = await until(page, lambda text: value(text, f"{name}_count", kind="reminder_1hour") == 1)
    assert value(read, f"{name}_sum", kind="reminder_1hour") < 3
    assert "reminder_1hour" in REMINDER_KINDS


async def test_what_waits_shows_its_age_whoever_is_gone(town: Town) -> None:
    event = await town.event()
    await town.follow(town.bob, event)
    town.clock.shift = dt.timedelta(minutes=5)
    found = await BacklogGauge(town.core).look()
    assert found is not None
    assert found.ages["prompt"] >= dt.timedelta(minutes=5)
    assert (found.ages["bulk"], found.depths["welcome"], found.late) == (dt.timedelta(), 1, True)
    assert found.unrelayed >= 2
    assert found.unrelayed_for >= dt.timedelta(minutes=5)


async def test_reading_what_waits_looks_into_indexes_only(town: Town) -> None:
    """A million settled deliveries cost it nothing."""
    for query in (oldest_due(town.clock.now()), depths()):
        spelled = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
        async with town.core.db.read() as session:
            plan = [row.detail for row in await session.execute(text(f"EXPLAIN QUERY PLAN {spelled}"))]
        assert any("ix_deliveries_open" in step for step in plan), plan
        assert not [step for step in plan if step.startswith("SCAN deliveries") and "INDEX" not in step], plan


def test_what_a_far_end_invents_makes_no_series() -> None:
    codes = [f"http_{n}" for n in range(1000)] + [f"smtp_{n}" for n in range(1000)] + [f"slack_{n}" for n in range(99)]
    assert len({labels.code(code) for code in [*codes, "anything", None]}) < 60
    assert (labels.code("http_410"), labels.code("http_418")) == ("http_410", "http_4xx")
    assert (labels.channel("json://nora@example.org/x"), labels.channel("nora://x")) == ("json", "other")
    assert Outcome(delivered=True, code="ok").code == labels.code("ok")


def test_the_worker_shows_its_metrics_elsewhere_only_with_a_token() -> None:
    with pytest.raises(ValidationError, match="METRICS_TOKEN"):
        Settings(_env_file=None, metrics_host="0.0.0.0")  # noqa: S104
