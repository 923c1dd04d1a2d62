"""Following an event, and leaving it."""

from typing import Annotated, Literal, Self

from fastapi import Body, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.pages import Page
from core.subscriptions.join import ask_by_email, subscribe_by_channel
from core.subscriptions.leave import change_mine, end_mine, let_back, remove_subscriber, unsubscribe
from core.subscriptions.model import (
    CheckInbox,
    Scope,
    StateChange,
    StillOut,
    SubscribeByChannel,
    SubscribeByEmail,
    Subscribed,
    SubscriptionView,
    Unsubscribed,
)
from core.subscriptions.undo import undo_unsubscribe
from core.subscriptions.views import event_subscriptions, my_subscriptions
from core.tokens import read_undo, read_unsubscribe
from web.api.document import problems
from web.api.parts import ANYBODY, Caller, EventId, Me, Paging, Repeat, RowId, api_router
from web.site import SiteOf

router = api_router("Subscriptions")

Token = Annotated[str, Field(min_length=1, max_length=400)]


class Subscribe(SubscribeByChannel):
    """`email` alone for anybody; with a token the channels by id or tag, and nothing at all for the default one."""

    email: Annotated[str, Field(max_length=400)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.email is not None and (self.integration_ids is not None or self.tags is not None):
            raise ValueError("give either email, or integration_ids and tags")
        return self


class Leave(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: Token
    """From the link in any message."""
    scope: Scope = "event"


class Undo(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: Token
    """`undo` of the answer to unsubscribing; it works for a day."""


class Restored(BaseModel):
    status: Literal["restored"] = "restored"
    restored: int
    still_out: list[StillOut]
    """What it did not bring back, and why."""


@router.post(
    "/events/{event_id}/subscribe",
    summary="Follow an event",
    response_model=None,  # which one it is follows from the status
    responses={
        200: {"model": Subscribed, "description": "Everything was subscribed already"},
        201: {"model": Subscribed, "description": "Subscribed"},
        202: {"model": CheckInbox, "description": "Asked the address to confirm (the same answer for every address)"},
        **problems(401, 403, 404, 409, 422, 429),
    },
    openapi_extra=ANYBODY,
)
async def new_subscription(
    site: SiteOf,
    who: Caller,
    event_id: EventId,
    repeat: Repeat,
    response: Response,
    body: Annotated[Subscribe | None, Body(examples=[{"email": "you@example.org"}])] = None,
) -> Subscribed | CheckInbox:
    """Anybody may give an e-mail address, which must confirm by the link it is sent. With a token: one's own
    channels by id or tag, or the default channel with an empty body. `Idempotency-Key` is heeded for channels only: an
    address that is asked twice gets one mail anyway."""
    if body is not None and body.email is not None:
        response.status_code = 202
        return await ask_by_email(site.core, who, event_id, SubscribeByEmail(email=body.email))
    who.require_user()
    chosen = SubscribeByChannel(**body.model_dump(exclude={"email"}) if body is not None else {})
    found = await site.core.act_once(repeat.of(who, chosen), who, subscribe_by_channel, event_id, chosen)
    response.status_code = 201 if found.created else 200
    return found


@router.get("/me/subscriptions", summary="What I follow", responses=problems(401, 422))
async def subscriptions_of_mine(site: SiteOf, me: Me, page: Paging) -> Page[SubscriptionView]:
    """Newest first; what has ended is left out."""
    return await site.core.ask(me, my_subscriptions, page)


@router.patch("/me/subscriptions/{subscription_id}", summary="Pause or resume", responses=problems(401, 404, 409, 422))
async def changed_subscription(
    site: SiteOf, me: Me, subscription_id: RowId, change: Annotated[StateChange, Body(examples=[{"state": "paused"}])]
) -> SubscriptionView:
    return await site.core.act(me, change_mine, subscription_id, change)


@router.delete("/me/subscriptions/{subscription_id}", summary="Unsubscribe", responses=problems(401, 404))
async def ended_subscription(site: SiteOf, me: Me, subscription_id: RowId) -> Unsubscribed:
    """`undo` takes it back for a day."""
    return await site.core.act(me, end_mine, subscription_id)


@router.get("/events/{event_id}/subscriptions", summary="Who follows", responses=problems(401, 403, 404, 422))
async def subscriptions_of_event(
    site: SiteOf,
    me: Me,
    event_id: EventId,
    page: Paging,
    removed: Annotated[bool, Query(description="Those the organizer removed, instead of those who follow")] = False,
) -> Page[SubscriptionView]:
    """For the organizer; addresses are masked."""
    return await site.core.ask(me, event_subscriptions, event_id, page, removed=removed)


@router.delete(
    "/events/{event_id}/subscriptions/{subscription_id}",
    status_code=204,
    summary="Remove a subscriber",
    responses=problems(401, 403, 404),
)
async def removed_subscription(site: SiteOf, me: Me, event_id: EventId, subscription_id: RowId) -> None:
    """Silently; they cannot subscribe again until they are let back."""
    await site.core.act(me, remove_subscriber, event_id, subscription_id)


@router.post(
    "/events/{event_id}/subscriptions/{subscription_id}/let-back",
    status_code=204,
    summary="Let a removed subscriber back",
    responses=problems(401, 403, 404, 409),
)
async def let_back_subscription(site: SiteOf, me: Me, event_id: EventId, subscription_id: RowId) -> None:
    """They may subscribe again, on any channel of theirs. Nothing is sent, and nobody follows by it. Twice is
    harmless; who was never removed is refused."""
    await site.core.act(me, let_back, event_id, subscription_id)


@router.post("/unsubscribe", summary="Unsubscribe by link", responses=problems(401, 404, 422), openapi_extra=ANYBODY)
async def unsubscribed(site: SiteOf, who: Caller, body: Leave) -> Unsubscribed:
    """With the token of any message's unsubscribe link. Doing it twice is harmless."""
    # Here already: what anybody can make up must not wait for the database's write lock.
    read_unsubscribe(site.core.keys, body.token)
    return await site.core.act(who, unsubscribe, body.token, body.scope)


@router.post(
    "/unsubscribe/undo", summary="Undo an unsubscribe", responses=problems(401, 404, 422), openapi_extra=ANYBODY
)
async def restored(site: SiteOf, who: Caller, body: Undo) -> Restored:
    """Brings back exactly what that unsubscribe ended, and says what does not come back."""
    read_undo(site.core.keys, body.token, site.core.clock.now())
    done = await site.core.act(who, undo_unsubscribe, body.token)
    return Restored(restored=done.restored, still_out=done.still_out)
