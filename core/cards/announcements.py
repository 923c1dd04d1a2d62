"""Where an event was announced: the card to post there, what was posted, and forgetting a place."""

from typing import cast

from sqlalchemy import select, true, update

from core.cards.content import card_columns, card_of, place_invited
from core.cards.model import CALENDAR, Announcement, Announcements, Card, Posted, Space
from core.db.models import Event, EventAnnouncement, User
from core.errors import conflict, not_found
from core.events.access import managed_event
from core.events.checks import STILL_TO_SEND, refuse_when_over
from core.identities.signed import Platform
from core.invitations.model import NewInChat
from core.invitations.offer import open_to
from core.work import Work

_ANNOUNCED_AT_MOST = 200
"""Live cards of one event; each of them is edited for every change."""
_LOST = "Its channel or server is gone."


async def card_for(work: Work, public_id: str, space: Space, *, opening: bool = False) -> Card:
    """What its organizer may post there now. A private event is shown only where the whole place is invited, or will be
    by the card itself (`opening`): `announce` invites the channel, once the card stands there."""
    event = await managed_event(work, public_id)
    invited = place_invited(space.platform, space.tenant_id, space.channel_id, work.now)
    if opening and not event.is_public and space.channel_id != CALENDAR:
        refuse_when_over(event, work.now, hint=STILL_TO_SEND)
        invited = true()
    query = (
        select(*card_columns(invited))
        .join(User, User.id == Event.owner_user_id, isouter=True)
        .where(Event.id == event.id)
    )
    row = (await work.session.execute(query)).one()
    return card_of(row, work.now, work.settings.public_base_url, space.channel_id)


async def announce(work: Work, public_id: str, posted: Posted) -> Announcement:
    """The bot has posted a card: from here on it is kept current. The same message twice is one announcement. A private
    event that it shows is open to that channel from here on."""
    event = await managed_event(work, public_id, to_change=True)
    if posted.card.event_id != event.public_id:
        raise not_found("card of this event")
    space, card = posted.space, posted.card
    live = list(
        await work.session.scalars(
            select(EventAnnouncement).where(EventAnnouncement.event_id == event.id, EventAnnouncement.gone_at.is_(None))
        )
    )
    for row in live:
        if _place(row) == space and row.message_id == posted.message_id:
            return _view(row)
    if len(live) >= _ANNOUNCED_AT_MOST:
        raise conflict(f"This event is announced in {_ANNOUNCED_AT_MOST} places.", hint="Delete a card first.")
    if not (event.is_public or card.is_public or card.closed) and space.channel_id != CALENDAR:
        place = NewInChat(
            kind="space", platform=space.platform, tenant_id=space.tenant_id, external_id=space.channel_id
        )
        await open_to(work, event, place)
    row = EventAnnouncement(
        event_id=event.id,
        platform=space.platform,
        tenant_id=space.tenant_id,
        channel_id=space.channel_id,
        message_id=posted.message_id,
        shown=card.says,
        shown_revision=card.revision,
        shown_followers=card.followers,
        shown_status=card.status,
        edited_at=work.now,
        attempts=0,
        created_at=work.now,
    )
    work.session.add(row)
    await work.session.flush()
    work.detail = {"announcement": row.id, "platform": space.platform}
    return _view(row)


async def list_announcements(work: Work, public_id: str) -> Announcements:
    """Oldest first, those that are gone too."""
    event = await managed_event(work, public_id)
    rows = await work.session.scalars(
        select(EventAnnouncement).where(EventAnnouncement.event_id == event.id).order_by(EventAnnouncement.id)
    )
    return Announcements(items=[_view(row) for row in rows])


async def forget_space(
    work: Work, platform: Platform, tenant_id: str, channel_id: str | None = None, why: str = _LOST
) -> int:
    """A channel was deleted, or (without one) the bot left the whole server. How many cards went with it."""
    there = [
        EventAnnouncement.platform == platform,
        EventAnnouncement.tenant_id == tenant_id,
        EventAnnouncement.gone_at.is_(None),
    ]
    if channel_id is not None:
        there.append(EventAnnouncement.channel_id == channel_id)
    gone = await work.session.execute(update(EventAnnouncement).where(*there).values(gone_at=work.now, last_error=why))
    return int(gone.rowcount)  # type: ignore[attr-defined]


async def keep_again(work: Work, platform: Platform, tenant_id: str, why: str) -> int:
    """The bot is back: cards that were forgotten for that reason are kept true again."""
    back = await work.session.execute(
        update(EventAnnouncement)
        .where(
            EventAnnouncement.platform == platform,
            EventAnnouncement.tenant_id == tenant_id,
            EventAnnouncement.gone_at.is_not(None),
            EventAnnouncement.last_error == why,
        )
        .values(gone_at=None, last_error=None, attempts=0, retry_at=None)
    )
    return int(back.rowcount)  # type: ignore[attr-defined]


def _place(row: EventAnnouncement) -> Space:
    return Space(platform=cast("Platform", row.platform), tenant_id=row.tenant_id, channel_id=row.channel_id)


def _view(row: EventAnnouncement) -> Announcement:
    return Announcement(
        id=row.id,
        space=_place(row),
        message_id=row.message_id,
        created_at=row.created_at,
        edited_at=row.edited_at,
        gone=row.gone_at is not None,
        last_error=row.last_error,
    )
