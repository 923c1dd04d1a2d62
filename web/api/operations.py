"""Whether the service serves, and whether Temporal answers."""

import asyncio
import logging
from typing import Literal

from fastapi import Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from web.api.document import problems
from web.api.parts import ANYBODY, Caller, api_router
from web.site import Site, SiteOf

log = logging.getLogger(__name__)
router = api_router("Operations")

_SECONDS = 3.0


class Health(BaseModel):
    """`down` when people are not served, `degraded` when messages wait."""

    status: Literal["ok", "degraded", "down"]
    database: Literal["ok", "unreachable", "not_writable"]
    temporal: Literal["ok", "unreachable", "unknown"]
    """As of a few seconds ago; unknown right after a start."""
    sending: Literal["on", "paused", "late", "unknown"]
    """`late`: what is due does not move, as when no worker runs."""


class TemporalConnection(BaseModel):
    """`address`, `namespace` and `error` are for callers with a token; null for anybody else."""

    reachable: bool
    address: str | None
    namespace: str | None
    error: str | None


@router.get(
    "/health",
    summary="Health",
    responses={503: {"model": Health, "description": "The database does not answer, or takes no writes"}},
)
async def health(site: SiteOf, response: Response) -> Health:
    """503 when and only when people are not served. Temporal or the worker away delays messages and loses none."""
    database = await _database(site)
    seen = site.gauge.glance()
    temporal: Literal["ok", "unreachable", "unknown"] = "unknown"
    if seen is not None:
        temporal = "ok" if seen.reachable else "unreachable"
    if database == "unreachable":
        response.status_code = 503
        return Health(status="down", database=database, temporal=temporal, sending="unknown")
    sending = await site.sending()
    if database != "ok":
        response.status_code = 503
        return Health(status="down", database=database, temporal=temporal, sending=sending)
    waits = sending in ("paused", "late") or temporal == "unreachable"
    return Health(status="degraded" if waits else "ok", database="ok", temporal=temporal, sending=sending)


@router.get("/temporal/connection", summary="Temporal", responses=problems(401), openapi_extra=ANYBODY)
async def temporal_connection(site: SiteOf, who: Caller) -> TemporalConnection:
    """Whether the namespace answers; asks at most every few seconds. Where it is and what it said is told with a
    token."""
    found = await site.gauge.look()
    if who.user_id is None:
        return TemporalConnection(reachable=found.reachable, address=None, namespace=None, error=None)
    return TemporalConnection(
        reachable=found.reachable, address=found.address, namespace=found.namespace, error=found.error
    )


async def _database(site: Site) -> Literal["ok", "unreachable", "not_writable"]:
    try:
        async with asyncio.timeout(_SECONDS), site.core.db.read_rows() as connection:
            await connection.execute(select(1))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("health: the database does not answer", exc_info=error)
        return "unreachable"
    return "ok" if await site.pulse.look() else "not_writable"
