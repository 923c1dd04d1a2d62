"""The worker's own door for Prometheus: one path, on a port of its own."""

import contextlib
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from core.metrics.page import MEDIA_TYPE, MetricsPage, has_token
from core.settings import Settings

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def answering(page: MetricsPage, settings: Settings) -> AsyncIterator[None]:
    """While this is open. A port that is taken keeps nobody from getting their messages: it is said, no more."""
    if not settings.metrics_port:
        yield
        return

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.path != "/metrics":
            return web.Response(status=404)
        # Without a token, whoever is on this machine may: it listens nowhere else then.
        if not has_token(settings, request.headers.get("Authorization", "")):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        return web.Response(body=await page.text(), headers={"Content-Type": MEDIA_TYPE})

    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.metrics_host, settings.metrics_port).start()
        log.info("metrics at %s, port %d", settings.metrics_host, settings.metrics_port)
    except OSError:
        log.warning("no metrics: port %d is taken; METRICS_PORT chooses another, 0 none", settings.metrics_port)
    try:
        yield
    finally:
        await runner.cleanup()
