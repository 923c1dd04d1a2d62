"""Two accounts of one person become one, in one transaction. The one that goes stays as a tombstone, so that old links
and the audit name something; whatever else named it names the one that stays."""

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import aliased

from core.db.models import (
    Event,
    EventGrant,
    EventInvitation,
    EventOrganizer,
    EventUpdate,
    Identity,
    Notification,
    Session,
    Subscription,
    Token,
    User,
)
from core.errors import conflict
from core.identities.channels import move_channels
from core.identities.follows import settle_twice
from core.work import Work

_API = "api"


async def merge(work: Work, gone: User, kept: User) -> None:
    """Everything of `gone` is `kept`'s. Both sides have agreed: that is for the caller to know."""
    await _lock(work, gone, kept)
    await _stay_removed(work, gone, kept)
    await move_channels(work, gone, kept)
    await _move_events(work, gone, kept)
    await _move_grants(work, gone, kept)
    await work.session.execute(update(Subscription).where(Subscription.user_id == gone.id).values(user_id=kept.id))
    await settle_twice(work, kept.id)
    for column in (Identity.user_id, EventInvitation.created_by, EventUpdate.created_by, Notification.requested_by):
        await work.session.execute(update(column.class_).where(column == gone.id).values({column.key: kept.id}))
    await _end_ways_in(work, gone)
    await _join_people(work, gone, kept)


async def _lock(work: Work, gone: User, kept: User) -> None:
    """In the order of their ids, whoever merges them (PostgreSQL; SQLite has one writer at a time)."""
    both = select(User).where(User.id.in_((gone.id, kept.id))).order_by(User.id).with_for_update()
    rows = (await work.session.scalars(both, execution_options={"populate_existing": True})).all()
    if any(row.merged_into is not None for row in rows):
        raise conflict("One of these accounts was merged meanwhile.", hint="Ask for a fresh link.")


async def _stay_removed(work: Work, gone: User, kept: User) -> None:
    """Whom the organizer removed under one account does not stay under the other: only the organizer lets them back."""
    both, out = (gone.id, kept.id), aliased(Subscription)
    removed = list(
        await work.session.scalars(
            select(out.event_id).distinct().where(out.user_id.in_(both), out.ended_by == "removed")
        )
    )
    if not removed:
        return
    await work.session.execute(
        update(Subscription)
        .where(
            Subscription.event_id.in_(removed),
            Subscription.user_id.in_(both),
            Subscription.state != "ended",
        )
        .values(state_before=Subscription.state, state="ended", ended_by="removed", ended_at=work.now, ended_act=None)
    )
    await work.session.execute(
        update(EventGrant)
        .where(EventGrant.event_id.in_(removed), EventGrant.user_id.in_(both), EventGrant.revoked_at.is_(None))
        .values(revoked_at=work.now)
    )


async def _move_events(work: Work, gone: User, kept: User) -> None:
    """Owner before co-organizer, and nobody twice."""
    await work.session.execute(update(Event).where(Event.owner_user_id == gone.id).values(owner_user_id=kept.id))
    other = aliased(EventOrganizer)
    too = exists().where(other.event_id == EventOrganizer.event_id, other.user_id == kept.id)
    await _not_organizing(work, EventOrganizer.user_id == gone.id, too)
    await work.session.execute(update(EventOrganizer).where(EventOrganizer.user_id == gone.id).values(user_id=kept.id))
    owns = exists().where(Event.id == EventOrganizer.event_id, Event.owner_user_id == kept.id)
    await _not_organizing(work, EventOrganizer.user_id == kept.id, owns)


async def _not_organizing(work: Work, *conditions: ColumnElement[bool]) -> None:
    await work.session.execute(delete(EventOrganizer).where(*conditions).execution_options(synchronize_session=False))


async def _move_grants(work: Work, gone: User, kept: User) -> None:
    """One invitation, one grant. Where both came by the same one and one of them is out, they are out."""
    mine = aliased(EventGrant)
    pairs = await work.session.execute(
        select(EventGrant, mine)
        .join(mine, mine.invitation_id == EventGrant.invitation_id)
        .where(EventGrant.user_id == gone.id, mine.user_id == kept.id)
    )
    for theirs, ours in pairs.all():
        ours.revoked_at = ours.revoked_at or theirs.revoked_at
        await work.session.delete(theirs)
    await work.session.flush()
    await work.session.execute(update(EventGrant).where(EventGrant.user_id == gone.id).values(user_id=kept.id))


async def _end_ways_in(work: Work, gone: User) -> None:
    """Signed in as `gone` is nobody from here on, in no browser and by no token or link."""
    await work.session.execute(delete(Session).where(Session.user_id == gone.id))
    await work.session.execute(delete(Token).where(Token.user_id == gone.id, Token.purpose == _API))
    await work.session.execute(
        update(Token).where(Token.user_id == gone.id, Token.used_at.is_(None)).values(used_at=work.now)
    )


async def _join_people(work: Work, gone: User, kept: User) -> None:
    """An account without an address takes the other's, and the password that goes with it; else it keeps its own."""
    address, proved, password = gone.email, gone.email_verified_at, gone.password_hash
    gone.email = gone.email_verified_at = gone.password_hash = None
    gone.merged_into, gone.display_name = kept.id, ""
    gone.is_operator = False  # that is for the terminal to give, not for a link between accounts
    await work.session.flush()
    if kept.email is None and proved is not None:
        kept.email, kept.email_verified_at, kept.password_hash = address, proved, password
    kept.is_verified, kept.timezone = True, kept.timezone or gone.timezone
    await work.session.execute(update(User).where(User.merged_into == gone.id).values(merged_into=kept.id))
    await work.session.flush()
