"""The sweep after the suite finds what it is there for: canaries in every place it looks at."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy

from tests.people import until
from tests.servers import TemporalServer
from tests.sweep import Listener, sweep

CANARIES = {
    "address": "canary@example.org",
    "token": "soonish_" + "c" * 43,
    "link": "/u/" + "c" * 30,
    "Apprise URL": "json://canary.host/path",
}


def _log(folder: Path, _: Listener, __: CollectorRegistry, canary: str) -> None:
    (folder / "data/logs").mkdir(parents=True)
    (folder / "data/logs/web.log").write_text(f"2026 INFO web {canary}\n")


def _line(_: Path, listener: Listener, __: CollectorRegistry, canary: str) -> None:
    # Past the formatter's own care, as if that were gone.
    listener.setFormatter(logging.Formatter())
    listener.emit(logging.LogRecord("core.x", logging.INFO, "f", 1, "to %s", (canary,), None))


def _metric(_: Path, __: Listener, registry: CollectorRegistry, canary: str) -> None:
    Counter("canary", "It sings.", ("to",), registry=registry).labels(canary).inc()


def _reason(folder: Path, _: Listener, __: CollectorRegistry, canary: str) -> None:
    with closing(sqlite3.connect(folder / "soonish.db")) as connection:
        connection.execute("CREATE TABLE deliveries (reason TEXT)")
        connection.execute("INSERT INTO deliveries VALUES (?)", (canary,))
        connection.commit()


@pytest.mark.parametrize("plant", [_log, _line, _metric, _reason])
@pytest.mark.parametrize("what", list(CANARIES))
def test_a_canary_is_found_wherever_it_sits(
    tmp_path: Path, plant: Callable[[Path, Listener, CollectorRegistry, str], None], what: str
) -> None:
    listener, registry = Listener(), CollectorRegistry()
    folder = tmp_path / "canaries"
    folder.mkdir()
    assert sweep(folder, listener, [registry]) == []
    plant(folder, listener, registry, CANARIES[what])
    assert any(each.startswith(f"{what} in") for each in sweep(folder, listener, [registry]))
    for file in [*folder.rglob("*.log"), *folder.rglob("*.db")]:
        file.unlink()  # the suite's own sweep comes by here


async def test_a_canary_in_a_workflows_history_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "canaries"
    folder.mkdir()
    async with TemporalServer(folder) as server:
        client = await Client.connect(server.address, namespace="soonish")
        await client.start_workflow(
            "Canary", "canary@example.org", id="canary", task_queue="nobody",
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )  # fmt: skip

        async def found() -> list[str]:
            return sweep(folder, Listener(), [])

        await until(found, lambda seen: any("address in" in each and "temporal.db" in each for each in seen))
    for file in folder.rglob("temporal.db*"):
        file.unlink()
