"""When a channel works again, what waited for it goes out, unless it is no longer news (the claim decides)."""

from sqlalchemy import ColumnElement, select, update

from core.contracts import EVENT_UPDATED, NOTIFICATION_OWED
from core.db.models import Delivery, Integration, Notification
from core.work import Work


async def switch_on(work: Work, integration: Integration) -> None:
    """The address said yes just now, so it works: what waited for it goes out."""
    integration.confirmed_at = work.now
    integration.is_active, integration.failures, integration.disabled_reason = True, 0, None
    await work.session.flush()
    await flush_channel(work, integration)


async def flush_channel(work: Work, integration: Integration) -> int:
    """Queue the waiting deliveries of a channel and ring whoever carries them. How many there were."""
    return await flush(work, Delivery.integration_id == integration.id)


async def flush(work: Work, which: ColumnElement[bool]) -> int:
    """Likewise of several channels at once."""
    waiting = (
        select(Delivery.notification_id, Notification.event_id)
        .join(Notification, Notification.id == Delivery.notification_id)
        .where(which, Delivery.status == "pending")
        .distinct()
    )
    pairs = {(row.notification_id, row.event_id) for row in await work.session.execute(waiting)}
    if not pairs:
        return 0
    await reopen(work, pairs)
    requeued = await work.session.execute(
        update(Delivery)
        .where(which, Delivery.status == "pending")
        .values(status="queued", next_attempt_at=work.now, reason=None, code=None)
        .execution_options(synchronize_session=False)
    )
    return int(requeued.rowcount)  # type: ignore[attr-defined]


async def reopen(work: Work, pairs: set[tuple[int, int | None]]) -> None:
    """Notifications (id, event id) that owe something again: one ring for each event, one for each account mail.

    Called before their deliveries are touched: who withdraws a message locks it first, then its deliveries.
    """
    await work.session.execute(
        update(Notification).where(Notification.id.in_({n for n, _ in pairs})).values(closed_at=None)
    )
    for event_id in {event_id for _, event_id in pairs if event_id is not None}:
        work.ring(EVENT_UPDATED, event_id, event_id=event_id)
    for notification_id in {n for n, event_id in pairs if event_id is None}:
        work.ring(NOTIFICATION_OWED, notification_id, notification_id=notification_id)
