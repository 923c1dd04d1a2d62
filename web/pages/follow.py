"""Following an event with an account: by the channel that one uses first, or by chosen ones; each of them is paused or
stopped by itself."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from core.delivery.addresses import MAIL
from core.errors import Code, SoonishError
from core.subscriptions.join import subscribe_by_channel
from core.subscriptions.leave import change_mine, end_mine
from core.subscriptions.model import StateChange, SubscribeByChannel
from core.subscriptions.views import subscriptions_to
from web.api.parts import EventId
from web.pages.event import event_context, form_again
from web.pages.forms import beside, read_form, status_of
from web.site import OWN, SiteOf

router = APIRouter(prefix="/e/{event_id}")

_AT_MOST = 50


@router.post("/follow")
async def followed(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """Nothing chosen: it goes to the channel they use first."""
    sent, who = await read_form(request), await site.person(request)
    await site.states.get(event_id, who)
    channels, tags = sent.numbers("channel")[:_AT_MOST], [text for name, text in sent.pairs if name == "tag"][:_AT_MOST]
    try:
        wanted = SubscribeByChannel(integration_ids=channels or None, tags=tags or None)
        done = await site.core.act(who, subscribe_by_channel, event_id, wanted)
    except (SoonishError, ValidationError) as refusal:
        if isinstance(refusal, SoonishError) and refusal.code in (Code.NOT_FOUND, Code.UNAUTHENTICATED):
            raise
        return await form_again(request, site, who, event_id, "", status_of(refusal), beside(refusal))
    about: dict[str, Any] = {"channels": [each.kind for each in done.subscriptions], "warnings": done.warnings}
    return site.pages.page("followed.html", headers=OWN, **await event_context(site, who, event_id) | about)


@router.post("/unfollow")
async def unfollowed(request: Request, site: SiteOf, event_id: EventId) -> Response:
    """`step`: pause, resume, stop; of one's own subscription to this event."""
    sent, who = await read_form(request), await site.person(request)
    mine = {each.id: each for each in await site.core.ask(who, subscriptions_to, event_id)}
    number = next(iter(sent.numbers("subscription")), 0)
    if number not in mine:  # pressed twice, or in another tab
        return RedirectResponse(f"/e/{event_id}", 303, OWN)
    if sent.step in ("pause", "resume"):
        state = StateChange(state="paused" if sent.step == "pause" else "active")
        await site.core.act(who, change_mine, number, state)
    if sent.step != "stop":
        return RedirectResponse(f"/e/{event_id}", 303, OWN)
    left = await site.core.act(who, end_mine, number)
    label = mine[number].label
    way = label.lower() if label == MAIL else label
    about = {"said": f"Stopped. You won't hear about this by {way} any more.", "undo": left.undo}
    return site.pages.page("event.html", headers=OWN, **await event_context(site, who, event_id) | about)
