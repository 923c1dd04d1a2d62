"""Who is let into an event, who helps to organize it, and handing it over."""

from typing import Annotated

from fastapi import Body
from pydantic import BaseModel, ConfigDict, Field

from core.events.model import EventView
from core.invitations.accept import accept_invitation
from core.invitations.model import (
    InvitationView,
    Invited,
    NewInChat,
    NewLink,
    NewMail,
    Offered,
    OneAddress,
    Organizers,
    Revoked,
)
from core.invitations.offer import invite, invite_organizer, list_invitations, offer_event, revoke_invitation
from core.invitations.organizers import list_organizers, remove_organizer
from core.pages import Page
from web.api.document import problems
from web.api.parts import EventId, Me, Paging, RowId, api_router
from web.site import SiteOf

router = api_router("Invitations")

_SOMEBODY = {"email": "friend@example.org"}
_A_ROLE = {"kind": "role", "platform": "discord", "tenant_id": "197038439483310086", "external_id": "275"}
New = Annotated[NewLink | NewMail | NewInChat, Field(discriminator="kind")]
ToAddress = Annotated[OneAddress, Body(examples=[_SOMEBODY])]


class Accept(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: Annotated[str, Field(min_length=1, max_length=400)]
    """The end of the invitation's link."""


@router.get("/events/{event_id}/invitations", summary="Who is invited", responses=problems(401, 403, 404, 422))
async def invitations_of_event(site: SiteOf, me: Me, event_id: EventId, page: Paging) -> Page[InvitationView]:
    """Newest first; addresses are masked, and a link is never shown again."""
    return await site.core.ask(me, list_invitations, event_id, page)


@router.post(
    "/events/{event_id}/invitations",
    status_code=201,
    summary="Invite somebody",
    responses=problems(401, 403, 404, 409, 422, 429),
)
async def new_invitation(
    site: SiteOf,
    me: Me,
    event_id: EventId,
    new: Annotated[New, Body(examples=[{"kind": "link", "max_uses": 20}, {"kind": "email", **_SOMEBODY}, _A_ROLE])],
) -> Invited:
    """By a link to pass on, shown this once, by a mail to one address, or for whom a chat platform knows: a member,
    a role, a space; those come in when they press there. There is no Idempotency-Key here: answers to those are stored,
    and links are not."""
    return await site.core.act(me, invite, event_id, new)


@router.delete(
    "/events/{event_id}/invitations/{invitation_id}",
    summary="Take an invitation back",
    responses=problems(401, 403, 404),
)
async def revoked_invitation(site: SiteOf, me: Me, event_id: EventId, invitation_id: RowId) -> Revoked:
    """Anyone who joined only through it loses access: what they follow ends, and what waits for them is not sent."""
    return await site.core.act(me, revoke_invitation, event_id, invitation_id)


@router.post("/invitations/accept", summary="Accept an invitation", responses=problems(401, 403, 404, 409, 422))
async def accepted_invitation(site: SiteOf, me: Me, body: Accept) -> EventView:
    """To follow, to help to organize, or to take over. Whatever opens nothing answers 404, and says why."""
    return await site.core.act(me, accept_invitation, body.token)


@router.get("/events/{event_id}/organizers", summary="Who organizes", responses=problems(401, 403, 404))
async def organizers_of_event(site: SiteOf, me: Me, event_id: EventId) -> Organizers:
    """The owner first. For those who organize it."""
    return await site.core.ask(me, list_organizers, event_id)


@router.post(
    "/events/{event_id}/organizers",
    status_code=202,
    summary="Ask somebody to help to organize",
    responses=problems(401, 403, 404, 409, 422, 429),
)
async def new_organizer(site: SiteOf, me: Me, event_id: EventId, who: ToAddress) -> Offered:
    """The owner's to do. The address gets a mail, and its account accepts; the answer is the same for every address."""
    return await site.core.act(me, invite_organizer, event_id, who)


@router.delete(
    "/events/{event_id}/organizers/{user_id}",
    status_code=204,
    summary="Remove an organizer",
    responses=problems(401, 403, 404, 409),
)
async def removed_organizer(site: SiteOf, me: Me, event_id: EventId, user_id: RowId) -> None:
    """The owner's to do; everybody may step down themselves."""
    await site.core.act(me, remove_organizer, event_id, user_id)


@router.post(
    "/events/{event_id}/transfer",
    status_code=202,
    summary="Hand an event over",
    responses=problems(401, 403, 404, 409, 422, 429),
)
async def offered_event(site: SiteOf, me: Me, event_id: EventId, who: ToAddress) -> Offered:
    """The owner's to do. Nothing changes until the account of that address accepts."""
    return await site.core.act(me, offer_event, event_id, who)
