"""What an event owes right now: asked by its workflow on every ring and at every wake, answered from the rows."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import or_, select, update

from core.db.models import Delivery, Event, Notification
from core.events.reminders import REMINDERS, Reminder, dedupe_key, latest_missed, reminders
from core.notifications.ledger import close_quiet
from core.notifications.owe import followers, has_unowed, new_notification, owe_subscribers
from core.notifications.rows import OPEN, next_due, sending_paused
from core.times import effective_end, start_words
from core.work import Work

_PATIENCE = dt.timedelta(seconds=60)
"""How long something may be due before the sweeper rings for it."""


@dataclass(frozen=True, slots=True)
class EventDuties:
    """`ahead` are reminders that need a schedule; `late` is one that an outage swallowed; `owed` are notifications
    with something due now; `wake_at` is when to look again."""

    public_id: str
    start: dt.datetime
    ahead: list[Reminder]
    late: Reminder | None
    owed: list[int]
    wake_at: dt.datetime | None
    over: bool
    subscribers: int


async def event_duties(work: Work, event_id: int) -> EventDuties | None:
    """Read everything the workflow must act on; marks the event as ended when its time has come."""
    event = await work.session.get(Event, event_id)
    if event is None:
        return None
    work.subject = f"event:{event_id}"
    end = effective_end(event.start_date, event.end_date)
    if event.status == "scheduled" and end <= work.now:
        await _end(work, event)
    grace_end = end + dt.timedelta(days=work.settings.grace_days)
    live = event.status == "scheduled"
    found = reminders(event.start_date, event.start_set_at, work.now) if live else []
    late = latest_missed(event.start_date, event.start_set_at, work.now) if live else None
    if late is not None and await _exists(work, dedupe_key(event.id, late.kind, event.start_date)):
        late = None
    owed, next_at = await _owed(work, event_id)
    wakes = [moment for moment in (next_at, end if live else None, grace_end) if moment and moment > work.now]
    return EventDuties(
        public_id=event.public_id,
        start=event.start_date,
        ahead=[reminder for reminder in found if reminder.due == "ahead"],
        late=late,
        owed=owed,
        wake_at=min(wakes, default=None),
        over=grace_end <= work.now and not owed and next_at is None,
        subscribers=await followers(work, event_id),
    )


async def _end(work: Work, event: Event) -> None:
    """Only if it is still so: an edit or a cancellation may have come between (PostgreSQL)."""
    await work.session.execute(
        update(Event)
        .where(Event.id == event.id, Event.status == "scheduled", Event.revision == event.revision)
        .values(status="ended")
    )
    await work.session.refresh(event)


async def _owed(work: Work, event_id: int) -> tuple[list[int], dt.datetime | None]:
    """Notifications with rows that are due, and when the next of the others is."""
    due_at = next_due(Notification.id).correlate(Notification).scalar_subquery()
    rows = await work.session.execute(
        select(Notification.id, Notification.not_before, due_at.label("due_at")).where(
            Notification.event_id == event_id, Notification.closed_at.is_(None)
        )
    )
    owed: list[int] = []
    quiet: list[int] = []
    later = []
    for row in rows:
        # Without an open row: done, unless it waits for further edits; those who join meanwhile get a row.
        at = row.due_at or row.not_before
        if at > work.now:
            later.append(at)
        else:
            (owed if row.due_at else quiet).append(row.id)
    if quiet:
        await close_quiet(work.session, quiet, work.now)
    return owed, min(later, default=None)


async def make_reminder(work: Work, event_id: int, kind: str, start: int) -> int | None:
    """Owe a reminder to everybody who follows, if the event still starts then; before its instant, for that instant.
    None: nothing to send (any more)."""
    event = await work.session.get(Event, event_id)
    if event is None:
        return None
    work.subject = f"event:{event_id}"
    if event.status != "scheduled" or int(event.start_date.timestamp()) != start or work.now >= event.start_date:
        return None
    late = latest_missed(event.start_date, event.start_set_at, work.now)
    if late is not None and late.kind != kind and event.start_date - REMINDERS[kind] < late.at:
        # After an outage both schedules catch up at once; the later reminder says it all.
        return None
    key = dedupe_key(event_id, kind, event.start_date)
    existing: int | None = await work.session.scalar(select(Notification.id).where(Notification.dedupe_key == key))
    if existing is not None:
        return existing
    sent_at = max(work.now, event.start_date - REMINDERS[kind])
    notification = await new_notification(
        work,
        kind,
        event=event,
        title=f"{event.name} {start_words(sent_at, event.start_date, event.timezone)}",
        data={"start": start},
        dedupe_key=key,
        not_before=sent_at,
    )
    await owe_subscribers(work, notification, event_id)
    return notification.id


async def somebody_joined_since(work: Work, notification_id: int) -> bool:
    """Whether anybody follows the event who has no row of a reminder that was made before its instant."""
    notification = await work.session.get_one(Notification, notification_id)
    return notification.superseded_at is None and await has_unowed(work, notification)


async def owe_who_joined(work: Work, notification_id: int) -> None:
    notification = await work.session.get_one(Notification, notification_id)
    if notification.event_id is not None and await owe_subscribers(work, notification, notification.event_id):
        notification.closed_at = None  # it may have been for nobody until now


async def _exists(work: Work, key: str) -> bool:
    return await work.session.scalar(select(Notification.id).where(Notification.dedupe_key == key)) is not None


async def neglected(work: Work) -> tuple[set[int], set[int]]:
    """What the sweeper rings for: (event ids, notification ids without an event) that owe something and do not move."""
    if await sending_paused(work.session):
        return set(), set()
    late = work.now - _PATIENCE
    at_rest = or_(
        (Delivery.status == "queued") & (Delivery.next_attempt_at <= late),
        (Delivery.status == "sending") & (Delivery.lease_until <= late),
    )
    rows = await work.session.execute(
        select(Notification.event_id, Notification.id)
        .join(Delivery, Delivery.notification_id == Notification.id)
        .where(OPEN, at_rest)
        .distinct()
    )
    # Of which a worker holds a live lease is being sent, however long its queue is.
    held = await work.session.scalars(
        select(Delivery.notification_id)
        .where(OPEN, Delivery.status == "sending", Delivery.lease_until > work.now)
        .distinct()
    )
    under_way = set(held)
    events, alone = set[int](), set[int]()
    for event_id, notification_id in rows:
        if notification_id not in under_way:
            (events if event_id is not None else alone).add(event_id if event_id is not None else notification_id)
    events |= await _missed_reminders(work)
    return events, alone


async def _missed_reminders(work: Work) -> set[int]:
    """Events whose reminder instant passed without one: a lost schedule, or an outage longer than its catch-up."""
    soon = work.now + dt.timedelta(days=1)
    events = await work.session.scalars(
        select(Event).where(Event.status == "scheduled", Event.start_date > work.now, Event.start_date <= soon)
    )
    missed = {}
    for event in events:
        # A minute's patience: the reminder that is due this instant is being made right now.
        late = latest_missed(event.start_date, event.start_set_at, work.now - dt.timedelta(minutes=1))
        if late is not None:
            missed[dedupe_key(event.id, late.kind, event.start_date)] = event.id
    made = await work.session.scalars(select(Notification.dedupe_key).where(Notification.dedupe_key.in_(missed)))
    return set(missed.values()) - {missed[key] for key in made}
