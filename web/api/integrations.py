"""A person's channels: where messages reach them."""

from typing import Annotated

from fastapi import Body

from core.integrations.model import IntegrationChange, IntegrationView, NewIntegration, Removed, Tested
from core.integrations.usecases import (
    add_integration,
    change_integration,
    list_integrations,
    remove_integration,
    try_integration,
)
from core.pages import Page
from web.api.document import problems
from web.api.parts import Me, Paging, Repeat, RowId, api_router
from web.site import SiteOf

router = api_router("Channels")

_NEW = {"name": "Phone", "apprise_url": "ntfys://ntfy.sh/my-topic", "tag": "phone"}


@router.get("/integrations", summary="My channels", responses=problems(401, 422))
async def my_integrations(site: SiteOf, me: Me, page: Paging) -> Page[IntegrationView]:
    """Newest first. A channel's URL is never shown again."""
    return await site.core.ask(me, list_integrations, page)


@router.post("/integrations", status_code=201, summary="Add a channel", responses=problems(401, 409, 422, 429))
async def new_integration(
    site: SiteOf, me: Me, repeat: Repeat, new: Annotated[NewIntegration, Body(examples=[_NEW])]
) -> IntegrationView:
    """A test message is sent first, and nothing is saved if it does not arrive. Somebody else's e-mail address is
    saved switched off, and asked."""
    return await add_integration(site.core, site.outbound, me, new, repeat.of(me, new))


@router.patch(
    "/integrations/{integration_id}", summary="Rename, retag or switch", responses=problems(401, 404, 409, 422)
)
async def changed_integration(
    site: SiteOf,
    me: Me,
    integration_id: RowId,
    change: Annotated[IntegrationChange, Body(examples=[{"is_active": False}])],
) -> IntegrationView:
    """What waited is sent when a channel is switched on again."""
    return await site.core.act(me, change_integration, integration_id, change)


@router.delete("/integrations/{integration_id}", summary="Remove a channel", responses=problems(401, 404))
async def removed_integration(site: SiteOf, me: Me, integration_id: RowId) -> Removed:
    """Its subscriptions end, and its URL is forgotten."""
    return await site.core.act(me, remove_integration, integration_id)


@router.post("/integrations/{integration_id}/test", summary="Send a test", responses=problems(401, 404, 409, 429))
async def tested_integration(site: SiteOf, me: Me, integration_id: RowId) -> Tested:
    """What the far end answered, within five seconds."""
    return await try_integration(site.core, site.outbound, me, integration_id)
