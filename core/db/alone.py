"""SQLite serves one worker: whoever holds this lock knows that no other one is alive."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from core.errors import conflict


@contextlib.contextmanager
def alone_on(file: Path) -> Iterator[None]:
    """Refuses while a worker works on this SQLite file, and keeps one from starting."""
    with file.with_suffix(".worker.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise conflict(
                "Another worker is running on this database.",
                hint="Stop it first; only PostgreSQL serves several.",
            ) from None
        yield
