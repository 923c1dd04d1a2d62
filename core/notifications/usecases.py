"""The organizer's messages, the report, and Retry."""

import datetime as dt

from sqlalchemy import Select, func, select, update

from core.contracts import SEND_MANUAL_NOTIFICATION
from core.db.models import Delivery, Event, EventUpdate, Notification
from core.errors import conflict, invalid, not_found
from core.events.access import managed_event, may_manage
from core.integrations.flush import reopen
from core.notifications.audience import narrowed
from core.notifications.kinds import REPORTED_KINDS
from core.notifications.model import (
    Accepted,
    DeliveryView,
    EventDelivery,
    MessageView,
    NewMessage,
    Report,
    ReportedOutcome,
    Retried,
)
from core.notifications.owe import charge, new_notification, owe_subscribers
from core.notifications.rows import REPORTED, counts_of
from core.pages import Page, PageRequest, cut, position
from core.times import effective_end
from core.work import Work


async def send_message(work: Work, public_id: str, message: NewMessage) -> Accepted:
    """Write to everybody who follows an event, or to some of them."""
    event = await managed_event(work, public_id)
    _refuse_after_grace(event, work)
    only = await narrowed(work, event, message)
    update_row = EventUpdate(
        event_id=event.id,
        category="general",
        title=message.title,
        body=message.body,
        created_by=work.actor.user_id,
        revision=event.revision,
        audience="everyone" if message.to_everyone else "chosen",
        created_at=work.now,
    )
    work.session.add(update_row)
    notification = await new_notification(
        work,
        "message",
        event=event,
        title=message.title,
        body=message.body,
        data={"audience": update_row.audience},
    )
    recipients = await owe_subscribers(work, notification, event.id, only)
    if not recipients and (message.matching or message.missed):
        raise invalid("No subscriber was found by that.", field="matching" if message.matching else "missed")
    work.ring(SEND_MANUAL_NOTIFICATION, notification.id, event_id=event.id)
    work.detail = {"notification": notification.id, "recipients": recipients}
    return Accepted(id=notification.id, recipients=recipients)


async def report(
    work: Work, notification_id: int, page: PageRequest, *, outcome: ReportedOutcome | None = None
) -> Report:
    """Counts over all of it and a page of results, of one outcome if it is named, for the organizer of its event."""
    notification, event = await _readable(work, notification_id)
    query = select(Delivery).where(Delivery.notification_id == notification.id)
    if outcome is not None:
        query = query.where(Delivery.status.in_([status for status, said in REPORTED.items() if said == outcome]))
    if page.cursor:
        query = query.where(Delivery.id > position(page.cursor))
    rows = list(await work.session.scalars(query.order_by(Delivery.id).limit(page.limit + 1)))
    results = cut([(row.id, _result(row)) for row in rows], page)
    return Report(
        id=notification.id,
        event_id=event.public_id,
        kind=notification.kind,
        title=notification.title,
        created_at=notification.created_at,
        not_before=notification.not_before,
        **await counts_of(work.session, notification.id),
        results=results.items,
        next=results.next,
    )


async def retry(work: Work, notification_id: int) -> Retried:
    """Try the failed ones again, from the first attempt."""
    notification, event = await _readable(work, notification_id)
    _refuse_after_grace(event, work)
    failed = (Delivery.notification_id == notification.id, Delivery.status == "dead")
    retried = await work.session.scalar(select(func.count()).where(*failed)) or 0
    if retried:
        await reopen(work, {(notification.id, notification.event_id)})
        queued = await work.session.execute(
            update(Delivery).where(*failed).values(status="queued", attempts=0, next_attempt_at=work.now, code=None)
        )
        # Who pressed it at the same time has taken some, or all of them (PostgreSQL).
        retried = int(queued.rowcount)  # type: ignore[attr-defined]
        if retried:
            await charge(work, event.owner_user_id, notification.kind, retried)
    work.detail = {"retried": retried}
    return Retried(retried=retried)


async def event_messages(work: Work, public_id: str, limit: int) -> list[MessageView]:
    """What the organizers wrote about an event, newest first."""
    event = await managed_event(work, public_id)
    rows = await work.session.scalars(
        select(Notification)
        .where(Notification.event_id == event.id, Notification.kind == "message")
        .order_by(Notification.id.desc())
        .limit(limit)
    )
    return [MessageView(id=row.id, title=row.title, created_at=row.created_at) for row in rows]


async def event_deliveries(
    work: Work, public_id: str, page: PageRequest, *, status: str | None = None
) -> Page[EventDelivery]:
    """Everything that was sent about an event, newest first."""
    event = await managed_event(work, public_id)
    query: Select[Delivery, Notification] = (
        select(Delivery, Notification)
        .join(Notification, Notification.id == Delivery.notification_id)
        .where(Notification.event_id == event.id, Notification.kind.in_(REPORTED_KINDS))
    )
    if status is not None:
        query = query.where(Delivery.status == status)
    if page.cursor:
        query = query.where(Delivery.id < position(page.cursor))
    rows = (await work.session.execute(query.order_by(Delivery.id.desc()).limit(page.limit + 1))).all()
    return cut(
        [
            (
                row.id,
                EventDelivery(
                    **_result(row).model_dump(),
                    notification_id=notification.id,
                    kind=notification.kind,
                    title=notification.title,
                ),
            )
            for row, notification in rows
        ],
        page,
    )


async def _readable(work: Work, notification_id: int) -> tuple[Notification, Event]:
    """A notification of an event one manages; mails that ask an address to confirm are none of the organizer's."""
    work.actor.require_user()
    found = (
        await work.session.execute(
            select(Notification, Event)
            .join(Event, Event.id == Notification.event_id)
            .where(Notification.id == notification_id, Notification.kind.in_(REPORTED_KINDS), may_manage(work.actor))
        )
    ).one_or_none()
    if found is None:
        raise not_found("message")
    work.subject = f"notification:{notification_id}"
    return found[0], found[1]


def _refuse_after_grace(event: Event, work: Work) -> None:
    end = effective_end(event.start_date, event.end_date)
    if work.now > end + dt.timedelta(days=work.settings.grace_days):
        raise conflict(f"This event ended more than {work.settings.grace_days} days ago.")


def _result(row: Delivery) -> DeliveryView:
    return DeliveryView(
        id=row.id,
        subscription_id=row.subscription_id,
        label=row.label,
        status=row.status,
        attempts=row.attempts,
        reason=row.reason,
        sent_at=row.sent_at,
        next_attempt_at=row.next_attempt_at if row.status == "queued" else None,
    )
