"""`/metrics` of the site, for whoever may: `core/metrics/page.py` says who."""

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from core.errors import Code, SoonishError
from core.metrics.page import MEDIA_TYPE, may_read
from web.site import SiteOf

router = APIRouter()


@router.get("/metrics")
async def metrics(request: Request, site: SiteOf) -> Response:
    """404 where nobody may read it, so that it looks like any other address."""
    peer = request.client.host if request.client else None
    if not may_read(site.settings, peer, request.headers):
        if site.settings.metrics_token is None:
            raise HTTPException(404)
        raise SoonishError(
            Code.UNAUTHENTICATED, "This is for Prometheus.", hint="Send METRICS_TOKEN as a bearer token."
        )
    return Response(await site.metrics.text(), headers={"Cache-Control": "no-store"}, media_type=MEDIA_TYPE)
