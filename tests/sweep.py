"""After the suite: no address, token, link or Apprise URL of the tests stands where only ids belong.

Looked through are the log lines of this process as the product would write them, the files that others logged
into, Temporal's databases with every history, payload and schedule, the metrics of every role that ran here, and what
the ledger and the audit say in words.
"""

import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from cli.logs import OneLine

SECRETS = {
    "address": re.compile(rb"[\w.+-]+(?:@|%40)(?:[\w-]+\.)*(?:example\.(?:org|com|net)|[\w-]+\.test)\b"),
    "token": re.compile(rb"\bsoonish_[\w-]{40,}"),
    "link": re.compile(rb"/(?:c|u|s|i|in|link)/[\w-]{20,}"),
    "Slack token": re.compile(rb"\b(?:xox[a-z]|xapp)-[\w-]+"),
    "Apprise URL": re.compile(
        rb"\b(?:jsons?|forms?|ntfys?|gotifys?|discord|slack|mailtos?|systemmail)://[^\s\"'*{]{3,}"
    ),
}
_WORDS = (
    "SELECT reason FROM deliveries WHERE reason IS NOT NULL",
    "SELECT last_error FROM integrations WHERE last_error IS NOT NULL",
    "SELECT subject || ' ' || outcome || ' ' || detail FROM audit_log",
    "SELECT signal FROM outbox",
)
_LOGS = ("*.log", "*.log.1")


class Listener(logging.Handler):
    """What this process logs, as a role would write it."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(OneLine())
        self.lines: list[bytes] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(("core.", "web.", "bots.", "worker.", "cli.", "temporalio.")):
            self.lines.append(self.format(record).encode())


def found_in(where: str, text: bytes) -> Iterator[str]:
    for what, pattern in SECRETS.items():
        if (seen := pattern.search(text)) is not None:
            yield f"{what} in {where}: {seen.group().decode(errors='replace')[:80]}"


def sweep(folder: Path, listener: Listener, registries: list[CollectorRegistry]) -> list[str]:
    """What was found, each with where."""
    found = [each for line in listener.lines for each in found_in(f"a log line: {line[:60]!r}", line)]
    for pattern in _LOGS:
        for file in folder.rglob(pattern):
            found += found_in(str(file), file.read_bytes())
    for file in [*folder.rglob("temporal.db"), *folder.rglob("temporal.db-wal")]:
        found += found_in(str(file), file.read_bytes())
    for registry in registries:
        found += found_in("the metrics", generate_latest(registry))
    for file in folder.rglob("*.db"):
        found += [each for words in _words(file) for each in found_in(str(file), words)]
    return sorted(set(found))


def _words(file: Path) -> Iterator[bytes]:
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            for statement in _WORDS:
                for (text,) in connection.execute(statement):
                    yield str(text).encode()
    except sqlite3.Error:
        return  # no database of ours, or one that a test has broken
