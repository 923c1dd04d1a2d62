"""Who manages an event beside its owner."""

from sqlalchemy import select, update

from core.db.models import EventGrant, EventInvitation, EventOrganizer, User
from core.errors import SoonishError, conflict, not_found
from core.events.access import managed_event, owned_event
from core.invitations.grants import end_access
from core.invitations.model import Organizers, OrganizerView
from core.work import Work


async def list_organizers(work: Work, public_id: str) -> Organizers:
    """The owner first, then who helps; for those who manage the event."""
    event = await managed_event(work, public_id)
    owner = await work.session.get_one(User, event.owner_user_id)
    others = await work.session.execute(
        select(EventOrganizer, User.display_name)
        .join(User, User.id == EventOrganizer.user_id)
        .where(EventOrganizer.event_id == event.id)
        .order_by(EventOrganizer.id)
    )
    found = [OrganizerView(user_id=owner.id, name=owner.display_name, role="owner", since=event.created_at)]
    found += [
        OrganizerView(user_id=row.user_id, name=name, role="organizer", since=row.created_at) for row, name in others
    ]
    return Organizers(items=found)


async def remove_organizer(work: Work, public_id: str, user_id: int) -> None:
    """The owner takes it back, or a co-organizer steps down. Whom nothing else lets in sees a private event no more."""
    event = await managed_event(work, public_id, to_change=True)
    if user_id != work.actor.user_id:
        await owned_event(work, public_id)
    if user_id == event.owner_user_id:
        raise _owner()
    row = await work.session.scalar(
        select(EventOrganizer).where(EventOrganizer.event_id == event.id, EventOrganizer.user_id == user_id)
    )
    if row is None:
        raise not_found("organizer of this event")
    work.detail = {"organizer": user_id}
    await work.session.delete(row)
    named = select(EventInvitation.id).where(EventInvitation.event_id == event.id, EventInvitation.purpose != "follow")
    await work.session.execute(
        update(EventGrant)
        .where(EventGrant.invitation_id.in_(named), EventGrant.user_id == user_id, EventGrant.revoked_at.is_(None))
        .values(revoked_at=work.now)
        .execution_options(synchronize_session=False)
    )
    await end_access(work, event.id, "They no longer organize the event.")


def _owner() -> SoonishError:
    return conflict("The owner cannot step down.", hint="Hand the event over first.")
