"""Creating, finding and listing events."""

from typing import Literal

from sqlalchemy import exists, select

from core.accounts.model import AccountChange
from core.accounts.users import change_account
from core.contracts import EVENT_UPDATED, event_workflow_id
from core.db.models import Event, EventUpdate, Subscription, User
from core.errors import Code, SoonishError
from core.events.access import managed_event, may_manage, may_see, seen_event
from core.events.checks import check_times
from core.events.model import EventView, NewEvent, event_view
from core.events.start import start_of
from core.limits import DAY, demand
from core.notifications.owe import ACTIVE, default_channel, followers, new_notification, owe_channel, people
from core.pages import Page, PageRequest, cut, position
from core.tokens import new_public_id
from core.work import Work
from core.zones import zone


async def create_event(work: Work, new: NewEvent, called: AccountChange | None = None) -> EventView:
    """Create an event; its organizer is told, and its workflow starts. `called`: what its organizer is called from then
    on."""
    user = await _organizer(work)
    if called is not None:
        await change_account(work, called)
        work.detail = {"account_changed": True}
    own = user.timezone or work.settings.default_timezone
    zone_name = own if new.timezone is None else new.timezone  # "" names no zone, and is refused as such
    zone_name = zone(zone_name).key
    start = start_of(new.start_date, new.when, work.now, zone_name)
    check_times(start, new.end_date, work.now)
    await demand(work, "create_event", str(user.id), work.settings.events_per_organizer_day, DAY)
    public_id = new_public_id()
    event = Event(
        public_id=public_id,
        owner_user_id=user.id,
        name=new.name,
        description=new.description,
        location=new.location,
        contact=new.contact,
        timezone=zone_name,
        start_date=start,
        start_set_at=work.now,
        end_date=new.end_date,
        status="scheduled",
        cancel_reason="",
        is_public=new.is_public,
        is_listed=new.is_listed,
        temporal_workflow_id=event_workflow_id(public_id),
        revision=1,
        created_at=work.now,
        updated_at=work.now,
    )
    work.session.add(event)
    await work.session.flush()
    work.subject = f"event:{event.id}"
    channel = await default_channel(work, user.id)
    if channel is not None:
        notification = await new_notification(
            work, "created", event=event, title=f"{event.name} is live", dedupe_key=f"created:{event.id}"
        )
        await owe_channel(work, notification, channel)
    work.ring(EVENT_UPDATED, event.id, event_id=event.id)
    return event_view(work, event, 0, mine=True)


async def get_event(work: Work, public_id: str) -> EventView:
    event, mine = await seen_event(work, public_id)
    return await full_view(work, event, mine=mine)


async def event_to_manage(work: Work, public_id: str) -> EventView:
    """For those who organize it; who may see it is told that it is not theirs."""
    return await full_view(work, await managed_event(work, public_id), mine=True)


async def full_view(work: Work, event: Event, *, mine: bool) -> EventView:
    """With the number of those who follow."""
    return event_view(work, event, await followers(work, event.id), mine=mine)


async def list_events(
    work: Work, which: Literal["mine", "subscribed"], page: PageRequest, *, upcoming: bool = False
) -> Page[EventView]:
    """The actor's events, newest first; `upcoming` leaves out what has started or was cancelled."""
    user_id = work.actor.require_user()
    active = select(people()).where(Subscription.event_id == Event.id, ACTIVE)
    manages = may_manage(work.actor)
    query = select(Event, active.scalar_subquery(), manages).where(may_see(work.actor))
    if which == "mine":
        query = query.where(manages)
    else:
        query = query.where(
            exists().where(
                Subscription.event_id == Event.id,
                Subscription.user_id == user_id,
                Subscription.state.in_(("active", "paused")),
            )
        )
    if upcoming:
        query = query.where(Event.start_date > work.now, Event.status == "scheduled")
    if page.cursor:
        query = query.where(Event.id < position(page.cursor))
    rows = (await work.session.execute(query.order_by(Event.id.desc()).limit(page.limit + 1))).all()
    views = [(event.id, event_view(work, event, count, mine=bool(mine))) for event, count, mine in rows]
    return cut(views, page)


async def coming_events(work: Work, limit: int) -> list[EventView]:
    """The events that start next and may be listed, where this installation lists any; nobody's view of them."""
    if not work.settings.list_public_events:
        return []
    coming = (
        Event.is_public.is_(True),
        Event.is_listed.is_(True),
        Event.status == "scheduled",
        Event.start_date > work.now,
    )
    found = await work.session.scalars(select(Event).where(*coming).order_by(Event.start_date, Event.id).limit(limit))
    return [event_view(work, event, 0, mine=False) for event in found]


async def event_page(work: Work, public_id: str) -> tuple[EventView, str, list[EventUpdate]]:
    """What the public page shows: the event, its host's name, and its updates, newest first."""
    event, mine = await seen_event(work, public_id)
    host = await work.session.scalar(select(User.display_name).where(User.id == event.owner_user_id))
    updates = await work.session.scalars(
        select(EventUpdate)
        .where(EventUpdate.event_id == event.id, EventUpdate.audience == "everyone")
        .order_by(EventUpdate.id.desc())
        .limit(50)
    )
    return await full_view(work, event, mine=mine), host or "", list(updates)


async def _organizer(work: Work) -> User:
    user = await work.session.get(User, work.actor.require_user())
    if user is None or not user.is_verified:
        raise SoonishError(Code.FORBIDDEN, "Verify your e-mail address first.", hint="Follow the link we mailed you.")
    return user
