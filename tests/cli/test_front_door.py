"""What holds for every command there is, and how roles start and log."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from cli.logs import OneLine, set_up_logging
from cli.main import build
from core.errors import SoonishError
from tests.cli.conftest import ALICE, ROOT, Terminal

HEAVY = {"sqlalchemy", "apprise", "aiohttp", "temporalio", "fastapi", "pydantic", "alembic", "rich"}

PRODUCTION = {
    "SOONISH_ENV": "production", "SECRET_KEY": "s" * 32, "ENCRYPTION_KEYS": "k", "SMTP_SERVER": "127.0.0.1",
    "TEMPORAL_URL": "127.0.0.1:9", "PUBLIC_BASE_URL": "https://events.example.org",
}  # fmt: skip


def commands(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


ALL = dict(commands(typer.main.get_command(build())))


@pytest.mark.parametrize("name", ALL)
def test_every_command_says_what_it_does_and_answers_in_json(name: str) -> None:
    command = ALL[name]
    assert command.help
    assert len(command.help.split("\n")[0]) <= 120
    if name != "run":
        assert "--json" in [option for each in command.params for option in each.opts]


def test_every_command_is_documented() -> None:
    page = (ROOT / "docs" / "terminal.md").read_text()
    assert [name for name in ALL if f"`soonish {name}" not in page] == []


def test_no_command_takes_a_secret_as_an_argument() -> None:
    words = ("url", "password", "secret", "key")
    names = [option for command in ALL.values() for each in command.params for option in each.opts]
    assert [name for name in names if any(word in name for word in words)] == []


def imported_by(done: Any) -> set[str]:
    return {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}


def test_help_imports_nothing_heavy(terminal: Terminal) -> None:
    done = terminal.process("--help", options=("-X", "importtime"))
    assert done.returncode == 0
    assert imported_by(done) & HEAVY == set()


def test_a_token_needs_neither_temporal_nor_the_web(terminal: Terminal) -> None:
    done = terminal.process("token", "create", "--email", ALICE, "--json", options=("-X", "importtime"))
    assert json.loads(done.stdout)["token"].startswith("soonish_")
    assert imported_by(done) & {"temporalio", "fastapi", "alembic"} == set()


@pytest.mark.parametrize("role", ["web", "worker"])
def test_a_role_does_not_start_without_a_key_that_is_in_use(terminal: Terminal, role: str) -> None:
    terminal.ok("token", "create", "--email", ALICE, env={"ENCRYPTION_KEYS": "old"})
    done = terminal.process("run", role, ENCRYPTION_KEYS="new")
    assert done.returncode == 1
    assert "missing from ENCRYPTION_KEYS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_role_does_not_start_on_an_empty_database(terminal: Terminal) -> None:
    (terminal.data / "soonish.db").unlink()
    done = terminal.process("run", "web")
    assert (done.returncode, "soonish db upgrade" in done.stderr) == (1, True)


def test_the_mailbox_is_refused_in_production(terminal: Terminal) -> None:
    assert "development" in terminal.run("run", "mail", env=PRODUCTION).stderr


@pytest.mark.parametrize("command", [("demo",), ("seed", "x", "--to", "mailto://n{n}@example.org")])
def test_what_opens_something_is_refused_in_production(terminal: Terminal, command: tuple[str, ...]) -> None:
    assert "development only" in terminal.refusal(*command, env=PRODUCTION)["error"]


def test_a_log_record_is_one_line_without_urls_and_addresses() -> None:
    try:
        int("json://user:pass@host/secret and nora@example.org")
    except ValueError:
        record = logging.getLogger("soonish.test").makeRecord(
            "soonish.test", logging.ERROR, "f", 1, "sent to %s", ("<bob@example.org>",), sys.exc_info()
        )
    line = OneLine().format(record)
    assert "\n" not in line
    assert " ERROR soonish.test sent to <<address>>" in line
    assert "ValueError" in line
    assert not [secret for secret in ("pass", "secret", "nora", "bob") if secret in line]


def test_a_log_level_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOONISH_LOG_LEVEL", "loud")
    with pytest.raises(SoonishError, match="SOONISH_LOG_LEVEL"):
        set_up_logging()
