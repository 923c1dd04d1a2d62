"""The web process: wires the site from the settings and serves it until it is told to stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from core.settings import Settings
from core.temporal import Temporal
from core.wiring import Outbound, build_core, build_outbound
from core.work import Core
from web.app import create_app

_PATIENCE = 10
"""Seconds that running requests get after SIGTERM."""


def serve(
    settings: Settings,
    ready: Callable[[], None] | None = None,
    slack: Callable[[Core, Outbound], ASGIApp | None] | None = None,
) -> None:
    """Blocks until SIGTERM or SIGINT; `ready` is called once connections are accepted. `slack` makes what answers
    below /slack."""
    core = build_core(settings)
    outbound = build_outbound(core)
    app = create_app(core, outbound, Temporal(settings), slack(core, outbound) if slack is not None else None)
    config = uvicorn.Config(
        app,
        host=settings.web_host,
        port=settings.web_port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_PATIENCE,
    )
    _Server(config, ready).run()


class _Server(uvicorn.Server):
    """Says when it serves, and returns after a signal instead of dying from it."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._ready is not None:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self.should_exit = True
