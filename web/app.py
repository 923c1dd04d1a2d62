"""The web application: routes, the layers around them, and what starts and stops with it."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Scope

from core.accounts.passwords import Passwords
from core.errors import SoonishError
from core.metrics.backlog import BacklogGauge
from core.metrics.page import MetricsPage
from core.metrics.requests import RequestMetrics
from core.operations.gauge import Gauge
from core.operations.pulse import Pulse
from core.operators.numbers import NumbersGauge
from core.temporal import Temporal
from core.wiring import Outbound
from core.work import Core
from web import guard
from web.api import document
from web.cookies import Cookies
from web.pages.forms import prove_and_return
from web.pages.refused import refused, turned_away
from web.pages.state import PageStates
from web.render import Pages
from web.routes import all_routes
from web.site import Site
from web.traced import Traced


def create_app(
    core: Core,
    outbound: Outbound,
    temporal: Temporal,
    events: ASGIApp | None = None,
    *,
    passwords: Passwords | None = None,
) -> FastAPI:
    """`events` answers what Slack sends; it checks the signatures itself."""
    pages = Pages(core.settings)
    gauge, backlog = Gauge(temporal, core.clock), BacklogGauge(core)
    metrics = MetricsPage(backlog, gauge)
    site = Site(
        core,
        outbound,
        temporal,
        pages,
        gauge,
        backlog,
        metrics,
        Pulse(core),
        PageStates(core),
        Cookies.of(core.settings),
        passwords or Passwords(),
        NumbersGauge(core),
    )

    async def respond(scope: Scope, error: Exception) -> Response:
        return await turned_away(site, scope, error)

    routes = all_routes(development=not core.settings.production)
    app = FastAPI(
        routes=[routes, *([Mount("/slack", events)] if events else [])],
        title="Soonish",
        version="1",
        description=document.ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        middleware=[
            Middleware(Traced, RequestMetrics(metrics.registry), core.settings.trusted_proxies),
            Middleware(guard.SafeHeaders),
            Middleware(guard.Answers, respond),
            Middleware(guard.HeadAsGet),
            Middleware(guard.SameSite, core.settings.public_base_url),
            Middleware(guard.BoundedBody),
        ],
    )
    app.state.site, app.state.routes = site, routes

    async def handle(request: Request, error: Exception) -> Response:
        return await prove_and_return(site, request, error) or await refused(site, request, error)

    for kind in (SoonishError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    site: Site = app.state.site
    await site.outbound.sender.start()
    site.gauge.glance()  # so that the first to ask about health is not told that nobody knows
    try:
        yield
    finally:
        await site.gauge.close()
        await site.pulse.close()
        await site.outbound.sender.close()
        await site.core.db.close()
