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
from tests.cli.conftest import ROOT
from tests.cli.test_supervisor import lives, until

ROLES = ("temporal", "mail", "worker", "web")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "SOONISH_DATA": str(tmp_path / "data"), "PYTHONPATH": str(ROOT)}


@pytest.fixture
def running(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "cli", "run", "--port", str(free_port())]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "is ready" in line:
                break
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def test_a_healthy_first_start_logs_one_line_for_each_role_and_nothing_frightening(
    running: subprocess.Popen[str], environment: dict[str, str]
) -> None:
    logs = Path(environment["SOONISH_DATA"]) / "logs"
    for role, words in (("web", "serving on 127.0.0.1, port "), ("worker", "taking work from Temporal at ")):
        (line,) = (logs / f"{role}.log").read_text().splitlines()
        assert f" INFO cli.commands.run {words}" in line
    assert [(logs / name).read_text() for name in ("mail.log", "migrations.log")] == ["", ""]
    assert not re.search("warn|error|fail", (logs / "temporal.log").read_text(), re.IGNORECASE)


def private(environment: dict[str, str]) -> set[str]:
    """Every address, channel and secret of an installation, in the clear."""
    data = Path(environment["SOONISH_DATA"])
    core = build_core(Settings(_env_file=None, soonish_data=data))
    with sqlite3.connect(data / "soonish.db") as database:
        found = {email for (email,) in database.execute("SELECT email FROM users WHERE email IS NOT NULL")}
        sealed = database.execute("SELECT apprise_url FROM integrations WHERE apprise_url IS NOT NULL").fetchall()
    database.close()
    for (each,) in sealed:
        found.add(unquote(core.keys.open(each).partition("://")[2]))
    return found | set(json.loads((data / "secrets.json").read_text()).values())


def test_the_demo_keeps_every_promise_logs_no_address_and_a_killed_supervisor_leaves_nothing_behind(
    running: subprocess.Popen[str], environment: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "cli", "demo", "--json"]
    demo = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    lines = [json.loads(line) for line in demo.stdout.splitlines()]
    assert demo.returncode == 0, demo.stdout + demo.stderr
    promises = [line["text"] for line in lines if line["kind"] == "promise" and line["ok"]]
    assert len(promises) >= 20
    secrets = private(environment)
    assert len(secrets) >= 7
    for log in (Path(environment["SOONISH_DATA"]) / "logs").iterdir():
        assert [secret for secret in secrets if secret in log.read_text()] == [], log
    folder = Path(environment["SOONISH_DATA"]) / "run"
    pids = [int((folder / f"{role}.pid").read_text()) for role in ROLES]
    assert all(map(lives, pids))
    running.kill()
    running.wait()
    until(lambda: not any(map(lives, pids)))


def test_a_worker_that_is_killed_is_started_again_and_delivers(
    running: subprocess.Popen[str], environment: dict[str, str]
) -> None:
    folder = Path(environment["SOONISH_DATA"]) / "run"
    pid_file = folder / "worker.pid"
    killed = int(pid_file.read_text())
    os.kill(killed, signal.SIGKILL)

    def soonish(*args: str) -> dict[str, object]:
        command = [sys.executable, "-m", "cli", *args, "--json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    soonish("token", "create", "--email", "alice@example.org")
    event = soonish("event", "create", "--name", "Launch", "--start", "2031-05-01T19:00:00+02:00")
    soonish("subscribe", str(event["id"]), "--tag", "email")
    sent = soonish("notify", str(event["id"]), "--title", "Doors", "--body", "At six.")
    until(lambda: soonish("report", str(sent["id"]))["delivered"] == 1)
    assert int(pid_file.read_text()) != killed
