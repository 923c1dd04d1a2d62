"""The outermost layer: each request gets its trail, answers with it, is counted and, if it changed or broke something,
logged."""

import logging
import time
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.metrics.requests import RequestMetrics
from core.settings import Network
from core.trail import fit, following, fresh
from web.clients import from_trusted
from web.guard import CHANGING

log = logging.getLogger(__name__)

HEADER = "X-Request-Id"
GONE = 499
"""What is counted where nobody was answered, because who asked had gone before the body was complete. No standard has
a number for it: this one is nginx's, and outside of what an alert takes for an error of ours."""


class Traced:
    def __init__(self, app: ASGIApp, metrics: RequestMetrics, proxies: Sequence[Network]) -> None:
        self._app = app
        self._metrics = metrics
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began = time.perf_counter()
        trail = self._given(scope) or fresh()
        status = GONE

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = trail
            await send(message)

        with following(trail):
            try:
                await self._app(scope, receive, send_with_id)
            except BaseException:
                status = 500 if status == GONE else status
                raise
            finally:
                self._note(scope, status, time.perf_counter() - began)

    def _given(self, scope: Scope) -> str | None:
        """Only our own proxies name a request."""
        given = Headers(scope=scope).get(HEADER)
        return given if given is not None and fit(given) and from_trusted(scope, self._proxies) else None

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route: str | None = getattr(scope.get("route"), "path", None)
        self._metrics.answered(route, scope["method"], status, seconds)
        if scope["method"] in CHANGING or status >= 500:
            log.info("%s %s: %d in %d ms", scope["method"], route or "(no route)", status, seconds * 1000)
