"""The supervisor with stand-in roles: real processes, real signals."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cli import stack
from cli.processes import GATE_FD, wait_at_gate
from core.db.migrate import is_current, upgrade
from core.errors import Code, SoonishError
from core.settings import Settings
from core.wiring import build_core
from tests.servers import free_port

ROLES = ("temporal", "mail", "worker", "web")

ROLE = """
import signal, sys, time
from pathlib import Path
from cli.processes import signal_ready, wait_at_gate
name, data, kind = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
def note(what):
    with (data / what).open("a") as file:
        file.write(name + "\\n")
def stop(*_):
    note("stopped")
    sys.exit()
signal.signal(signal.SIGTERM, signal.SIG_IGN if kind == "deaf" else stop)
def give_up(*_):
    print("the token is wrong", flush=True)
    sys.exit(78)
if kind == "misset":
    signal.signal(signal.SIGHUP, give_up)
if kind == "broken":
    sys.exit("the " + name + " cannot start today")
if kind == "late":
    while not all((data / "run" / (role + ".pid")).exists() for role in ("worker", "web")):
        time.sleep(0.01)
wait_at_gate()
note("begun")
if kind == "once":
    sys.exit()
signal_ready()
while True:
    signal.pause()
"""

STACK = """
import asyncio, sys
from pathlib import Path
from cli import stack
from cli.processes import Role
from cli.supervisor import Pace, Supervisor, run_until_stopped, say_aloud
from core.errors import SoonishError
data, kinds = Path(sys.argv[1]), dict(pair.split("=") for pair in sys.argv[3:])
(data / "run").mkdir(exist_ok=True)
def role(name):
    return Role(name, [sys.executable, "-c", sys.argv[2], name, str(data), kinds.get(name, "good")])
async def begin(supervisor):
    once = [role("migrations")] if "migrations" in kinds else []
    await supervisor.start([role("temporal"), role("mail")], [role("worker"), role("web")], once)
    stack.publish(data, stack.Stack("http://127.0.0.1:1", "", "", "", None))
try:
    with stack.locked(data, patience=1) as lock:
        supervisor = Supervisor(data, pace=Pace(first=0.05, longest=0.2, grace=0.5), hold=(lock,))
        try:
            asyncio.run(run_until_stopped(supervisor, lambda: begin(supervisor)))
        finally:
            stack.withdraw(data)
except SoonishError as error:
    sys.exit(error.message + "\\n" + (error.hint or ""))
"""


class Running:
    """A supervisor in a process of its own, on a folder of its own."""

    def __init__(self, data: Path, **kinds: str) -> None:
        self.data = data
        self.output = data / f"output-{time.monotonic_ns()}"
        argv = [sys.executable, "-c", STACK, str(data), ROLE, *(f"{name}={kind}" for name, kind in kinds.items())]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT)

    def ready(self) -> "Running":
        until(lambda: stack.running_stack(self.data) is not None or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        return self

    def said(self) -> str:
        return self.output.read_text()

    def pid(self, role: str) -> int:
        with suppress(FileNotFoundError):
            return int((self.data / "run" / f"{role}.pid").read_text())
        return 0

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def run(**kinds: str) -> Running:
        started.append(Running(tmp_path, **kinds))
        return started[-1]

    yield run
    for each in started:
        with suppress(ProcessLookupError):
            each.process.kill()
        each.process.wait(10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_in_order(start: Callable[..., Running], tmp_path: Path, number: signal.Signals) -> None:
    running = start().ready()
    pids = [running.pid(role) for role in ROLES]
    assert running.end(number) == 0
    assert not any(map(lives, pids))
    stopped = (tmp_path / "stopped").read_text().split()
    assert sorted(stopped[:2]) == ["web", "worker"]
    assert stopped[2:] == ["mail", "temporal"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["lock"]


def test_kill_9_of_the_supervisor_leaves_none_behind_and_frees_the_folder(start: Callable[..., Running]) -> None:
    running = start().ready()
    pids = [running.pid(role) for role in ROLES]
    assert all(map(lives, pids))
    running.end(signal.SIGKILL)
    until(lambda: not any(map(lives, pids)))
    again = start()
    # Until the new one holds the folder, the files of the dead one still tell of it.
    until(lambda: again.pid("web") not in (0, *pids))
    assert lives(again.ready().pid("web"))


def test_a_role_that_dies_is_started_again_and_the_terminal_says_so(start: Callable[..., Running]) -> None:
    running = start().ready()
    before = [running.pid(role) for role in ROLES]
    os.kill(running.pid("worker"), signal.SIGKILL)
    until(lambda: "worker is running." in running.said())
    after = [running.pid(role) for role in ROLES]
    assert all(map(lives, after))
    changed = [role for role, old, new in zip(ROLES, before, after, strict=True) if old != new]
    assert changed == ["worker"]
    assert "worker stopped (by SIGKILL)" in running.said()


def test_a_role_that_says_that_starting_again_is_no_use_is_left_alone(start: Callable[..., Running]) -> None:
    running = start(worker="misset").ready()
    os.kill(running.pid("worker"), signal.SIGHUP)
    until(lambda: "worker is off until its settings are right." in running.said())
    assert "the token is wrong" in running.said()
    os.kill(running.pid("web"), signal.SIGKILL)
    until(lambda: "web is running." in running.said())
    assert "worker is running." not in running.said()
    assert running.end(signal.SIGTERM) == 0


def test_a_role_that_ignores_sigterm_is_killed(start: Callable[..., Running]) -> None:
    running = start(mail="deaf").ready()
    pids = [running.pid(role) for role in ROLES]
    assert running.end(signal.SIGTERM) == 0
    assert not any(map(lives, pids))


def test_a_role_that_cannot_start_ends_the_stack_with_its_own_last_words(start: Callable[..., Running]) -> None:
    running = start(web="broken")
    assert running.process.wait(10) == 1
    assert "web stopped before it was ready (exit 1)." in running.said()
    assert "the web cannot start today" in running.said()
    assert not any(lives(running.pid(role)) for role in ROLES)


def test_roles_load_beside_what_they_need_and_begin_after_it(start: Callable[..., Running], tmp_path: Path) -> None:
    running = start(temporal="late", migrations="once").ready()
    begun = (tmp_path / "begun").read_text().split()
    assert sorted(begun[:3]) == ["mail", "migrations", "temporal"]
    assert sorted(begun[3:]) == ["web", "worker"]
    assert not running.pid("migrations")


def test_no_role_begins_on_a_database_that_could_not_be_upgraded(start: Callable[..., Running], tmp_path: Path) -> None:
    running = start(migrations="broken")
    assert running.process.wait(10) == 1
    assert "migrations failed (exit 1)." in running.said()
    (tmp_path / "begun").touch()
    assert not {"worker", "web"} & set((tmp_path / "begun").read_text().split())
    assert not any(lives(running.pid(role)) for role in ROLES)


def test_a_gate_that_goes_away_unopened_lets_nobody_through(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, held = os.pipe()
    monkeypatch.setenv(GATE_FD, str(waiting))
    os.close(held)
    with pytest.raises(SystemExit, match="The start ended"):
        wait_at_gate()
    wait_at_gate()  # none is left


def test_a_second_stack_on_the_folder_is_refused(start: Callable[..., Running], tmp_path: Path) -> None:
    running = start().ready()
    second = start()
    assert second.process.wait(10) == 1
    assert f"Soonish is already running on {tmp_path} (process {running.process.pid})." in second.said()
    assert running.process.poll() is None
    assert stack.running_stack(tmp_path) == stack.Stack("http://127.0.0.1:1", "", "", "", None)


def test_stopping_during_the_start_leaves_none_behind(start: Callable[..., Running]) -> None:
    running = start()
    until(lambda: running.pid("temporal") > 0)
    temporal = running.pid("temporal")
    assert running.end(signal.SIGINT) == 0
    assert not lives(temporal)
    assert not any(lives(running.pid(role)) for role in ROLES)


def settings(data: Path, **given: object) -> Settings:
    return Settings.model_validate({"soonish_data": data, **given})


def test_the_port_a_person_asked_for_is_refused_when_taken_and_the_default_gives_way(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        taken = other.getsockname()[1]
        with pytest.raises(SoonishError, match=f"Port {taken} is taken") as refusal:
            stack.plan(settings(tmp_path), taken)
        assert refusal.value.code is Code.CONFLICT
        with pytest.raises(SoonishError, match=f"Port {taken} is taken"):
            stack.plan(settings(tmp_path, web_port=taken))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack, "next_free_port", lambda first, *_: first + 1)
        plan = stack.plan(settings(tmp_path))
    assert plan.stack.url == "http://127.0.0.1:8001"
    assert "Port 8000 is taken by another program, so the site is on 8001." in stack.announcement(plan, 1.0)


def test_what_the_person_configured_is_not_started_and_not_overruled(tmp_path: Path) -> None:
    plan = stack.plan(
        settings(
            tmp_path,
            temporal_url="cluster:7233",
            smtp_server="mail.example.org",
            public_base_url="https://soonish.example.org",
            reminder_lead_seconds=9,
            database_url="postgresql+psycopg://db/soonish",
        ),
        free_port(),
    )
    assert plan.services == []
    assert [role.name for role in plan.roles] == ["worker", "web"]
    assert plan.stack.temporal == "cluster:7233"
    assert plan.stack.mailbox is None
    assert not {"SMTP_SERVER", "PUBLIC_BASE_URL", "REMINDER_LEAD_SECONDS"} & plan.roles[0].env.keys()
    assert plan.migrations.env["DATABASE_URL"] == "postgresql+psycopg://db/soonish"
    assert not [line for line in stack.announcement(plan, 1.0) if "SMTP_SERVER" in line or "/dev/mailbox" in line]


def test_with_nothing_configured_every_role_learns_where_the_others_are(tmp_path: Path) -> None:
    port = free_port()
    plan = stack.plan(settings(tmp_path), port)
    assert [role.name for role in plan.services] == ["temporal", "mail"]
    env = plan.roles[0].env
    assert env["TEMPORAL_URL"] == plan.stack.temporal
    assert f"{env['SMTP_SERVER']}:{env['SMTP_PORT']}" == plan.stack.smtp
    assert env["PUBLIC_BASE_URL"] == f"http://127.0.0.1:{port}"
    assert env["SOONISH_DATA"] == str(tmp_path)
    assert env["REMINDER_LEAD_SECONDS"] == "5"


def test_the_data_folder_is_closed_to_others(tmp_path: Path) -> None:
    data = stack.prepare(settings(tmp_path / "data"))
    assert data.stat().st_mode & 0o777 == 0o700
    stack.publish(data, stack.Stack("http://x", "t", "s", "m", None))
    assert json.loads((data / "run" / "stack.json").read_text())["url"] == "http://x"
    assert stack.running_stack(data) is None  # the file of a stack that was killed


def test_a_stack_whose_supervisor_is_gone_does_not_run_even_while_its_folder_is_held(tmp_path: Path) -> None:
    data = stack.prepare(settings(tmp_path / "data"))
    with stack.locked(data):
        stack.publish(data, stack.Stack("http://x", "t", "s", "m", None))
        assert stack.running_stack(data) is not None
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        file = data / "run" / "stack.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "supervisor": gone.pid}))
        assert stack.running_stack(data) is None


def test_a_data_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "50% off?#x y"
    made = settings(folder)
    stack.prepare(made)
    upgrade(made.database)
    assert made.sqlite_file == folder / "soonish.db"
    assert made.sqlite_file.stat().st_size > 0
    assert is_current(made.database)
    assert build_core(made).db.engine.url.database == str(made.sqlite_file)
