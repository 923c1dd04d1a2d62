"""A terminal on an installation of its own."""

import datetime as dt
import json
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer import testing
from typer.main import get_command
from typer.testing import CliRunner, Result

from cli.main import build
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
ALICE, BOB, CAROL = (f"{name}@example.org" for name in ("alice", "bob", "carol"))

app = cache(build)


@pytest.fixture(scope="session", autouse=True)
def commands_built_once() -> Iterator[None]:
    """Typer builds all commands anew for each that is run: half of what one in this process takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing, "_get_command", cache(get_command))
        yield


class Terminal:
    """Runs commands in this process, or as a real one."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._runner = CliRunner()
        self._app = app()

    def run(self, *args: str, stdin: str | None = None, env: dict[str, str] | None = None) -> Result:
        result = self._runner.invoke(self._app, list(args), input=stdin, env=env)
        assert "Traceback" not in result.output
        return result

    def ok(self, *args: str, stdin: str | None = None, env: dict[str, str] | None = None) -> str:
        result = self.run(*args, stdin=stdin, env=env)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *args: str, stdin: str | None = None, env: dict[str, str] | None = None) -> Any:
        return json.loads(self.ok(*args, "--json", stdin=stdin, env=env))

    def refusal(self, *args: str, stdin: str | None = None, env: dict[str, str] | None = None, code: int = 1) -> Any:
        """The error document; nothing else is printed."""
        result = self.run(*args, "--json", stdin=stdin, env=env)
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        return json.loads(result.stderr)

    def process(self, *args: str, options: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *options, "-m", "cli", *args],
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def rows(self, statement: str, *values: object) -> list[Any]:
        with sqlite3.connect(self.data / "soonish.db") as database:
            found = database.execute(statement, values).fetchall()
        database.close()
        return found

    def people(self) -> None:
        for email in (ALICE, BOB, CAROL):
            self.ok("token", "create", "--email", email)

    def event(self, *more: str) -> str:
        start = (dt.datetime.now(dt.UTC) + dt.timedelta(days=3)).isoformat()
        made = self.json("event", "create", "--as", ALICE, "--name", "Board games", "--start", start, *more)
        return str(made["id"])


@pytest.fixture
def terminal(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """On a database at head, with nothing else configured."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    shutil.copy(migrated, data / "soonish.db")
    for name in [*Settings.model_fields, "soonish_as", "soonish_log_level"]:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SOONISH_DATA", str(data))
    monkeypatch.chdir(tmp_path)
    return Terminal(data)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command that sets up logging in this process writes to a stream that ends with it."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
