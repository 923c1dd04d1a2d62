"""The web application: routes, the layers around them, and what starts and stops with it."""

import contextlib
import functools
from collections.abc import AsyncIterator

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
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
from web import metrics as metrics_route
from web.api import accounts, document, events, integrations, invitations, notifications, operations, subscriptions
from web.cookies import Cookies
from web.pages import (
    account,
    address,
    admin,
    again,
    calendars,
    cancel,
    channels,
    confirm,
    create,
    dev,
    edit,
    erase,
    event,
    follow,
    health,
    identities,
    invitation,
    log,
    manage,
    message,
    mine,
    people,
    plain,
    profile,
    report,
    share,
    slack,
    subscribers,
    unsubscribe,
)
from web.pages.forms import prove_and_return
from web.pages.refused import refused, turned_away
from web.pages.state import PageStates
from web.render import Pages
from web.site import Site
from web.traced import Traced

API = (
    events.router,
    subscriptions.router,
    invitations.router,
    notifications.router,
    integrations.router,
    accounts.router,
    operations.router,
)
PAGES = (
    document.router,
    plain.router,
    mine.router,
    create.router,
    edit.router,
    health.router,
    manage.router,
    message.router,
    subscribers.router,
    people.router,
    cancel.router,
    channels.router,
    share.router,
    event.router,
    follow.router,
    report.router,
    confirm.router,
    unsubscribe.router,
    invitation.router,
    account.router,
    again.router,
    profile.router,
    erase.router,
    address.router,
    calendars.router,
    identities.router,
    slack.router,
    log.router,
    admin.router,
    metrics_route.router,
)


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

    app = FastAPI(
        routes=[*_routes(development=not core.settings.production), *([Mount("/slack", events)] if events else [])],
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
    app.state.site = site

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


@functools.cache
def _routes(*, development: bool) -> list[BaseRoute]:
    """Once for a process: reading every signature takes FastAPI some 60 ms, and no route knows its application."""
    routes = APIRouter(redirect_slashes=False, generate_unique_id_function=_operation_id)
    for router in API:
        routes.include_router(router, prefix="/api")
    for router in (*PAGES, dev.router) if development else PAGES:
        routes.include_router(router, include_in_schema=False)
    return routes.routes


def _operation_id(route: APIRoute) -> str:
    return route.name
