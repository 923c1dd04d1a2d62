"""The whole product as a newcomer starts it, and the story it tells of itself."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from cli.processes import free_port
from core.settings import Settings
from core.wiring import build_core
from tests.cli.conftest import ALICE, ROOT, Terminal
from tests.cli.test_supervisor import lives, until

ROLES = ("temporal", "mail", "worker", "web")


class Product:
    """`soonish run` on a folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        # Two that start at one moment find the same next free port for their metrics, and one of them warns.
        metrics = {"METRICS_PORT": str(free_port())}
        self.environment = {**os.environ, **metrics, "SOONISH_DATA": str(data), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "cli", "run", "--port", str(free_port())]
        self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert any("is ready" in line for line in self.process.stdout)

    def pid(self, role: str) -> int:
        return int((self.data / "run" / f"{role}.pid").read_text())

    def stop(self) -> None:
        with self.process:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGINT)
                self.process.communicate(timeout=30)


@pytest.fixture(scope="module")
def started() -> Iterator[list[Product]]:
    """What ran for these tests: one, unless a test ended it and another came after."""
    products: list[Product] = []
    yield products
    for each in products:
        each.stop()


@pytest.fixture
def product(started: list[Product], tmp_path: Path) -> Product:
    if not started or started[-1].process.poll() is not None:
        started.append(Product(tmp_path / "data"))
    return started[-1]


def test_a_healthy_first_start_logs_what_each_role_serves_and_nothing_frightening(product: Product) -> None:
    logs = product.data / "logs"
    for role, words in (("web", "serving on 127.0.0.1, port "), ("worker", "taking work from Temporal at ")):
        lines = (logs / f"{role}.log").read_text().splitlines()
        assert [line for line in lines if f" INFO cli.commands.run {words}" in line]
        assert len(lines) <= 3
        assert not [line for line in lines if " INFO " not in line]
    assert [(logs / name).read_text() for name in ("mail.log", "migrations.log")] == ["", ""]
    # A busy machine's Temporal is asked whether it is there while it says that it soon will be.
    temporal = [line for line in (logs / "temporal.log").read_text().splitlines() if "GetSystemInfo" not in line]
    assert not re.search("warn|error|fail", "\n".join(temporal), re.IGNORECASE)


def private(data: Path) -> set[str]:
    """Every address, channel and secret of an installation, in the clear."""
    core = build_core(Settings(_env_file=None, soonish_data=data))
    with sqlite3.connect(data / "soonish.db") as database:
        found = {email for (email,) in database.execute("SELECT email FROM users WHERE email IS NOT NULL")}
        sealed = database.execute("SELECT apprise_url FROM integrations WHERE apprise_url IS NOT NULL").fetchall()
    database.close()
    for (each,) in sealed:
        found.add(unquote(core.keys.open(each).partition("://")[2]))
    return found | set(json.loads((data / "secrets.json").read_text()).values())


def test_the_demo_keeps_every_promise_and_logs_no_address(product: Product) -> None:
    command = [sys.executable, "-m", "cli", "demo", "--json"]
    demo = subprocess.run(command, env=product.environment, capture_output=True, text=True, timeout=120, check=False)
    lines = [json.loads(line) for line in demo.stdout.splitlines()]
    assert demo.returncode == 0, demo.stdout + demo.stderr
    promises = [line["text"] for line in lines if line["kind"] == "promise" and line["ok"]]
    assert len(promises) >= 20
    secrets = private(product.data)
    assert len(secrets) >= 7
    for log in (product.data / "logs").iterdir():
        assert [secret for secret in secrets if secret in log.read_text()] == [], log


@pytest.mark.parametrize("platform", ["discord", "slack"])
def test_the_conversation_in_chat_keeps_every_promise(tmp_path: Path, platform: str) -> None:
    command = [sys.executable, "-m", "cli", "demo", "--chat", platform, "--json"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    demo = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    lines = [json.loads(line) for line in demo.stdout.splitlines()]
    assert len([line for line in lines if line["kind"] == "promise" and line["ok"]]) >= 13
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_is_killed_is_started_again_and_delivers(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = product.pid("worker")
    os.kill(killed, signal.SIGKILL)
    monkeypatch.setenv("SOONISH_DATA", str(product.data))
    soonish = Terminal(product.data)
    soonish.ok("token", "create", "--email", ALICE)
    event = soonish.event()
    soonish.ok("subscribe", event, "--tag", "email", "--as", ALICE)
    sent = soonish.json("notify", event, "--title", "Doors", "--body", "At six.", "--as", ALICE)
    until(lambda: soonish.json("report", str(sent["id"]), "--as", ALICE)["delivered"] == 1, 30)
    assert product.pid("worker") != killed


def test_a_killed_supervisor_leaves_nothing_behind(product: Product) -> None:
    pids = [product.pid(role) for role in ROLES]
    assert all(map(lives, pids))
    product.process.kill()
    product.process.wait()
    until(lambda: not any(map(lives, pids)))
