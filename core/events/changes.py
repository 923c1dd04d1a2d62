"""Changing and cancelling: what subscribers are told, and how edits that follow each other become one message."""

import datetime as dt
from typing import Any

from sqlalchemy import exists, select, update

from core.contracts import EVENT_CANCELLED, EVENT_UPDATED
from core.db.models import Delivery, Event, EventUpdate, Notification
from core.errors import conflict
from core.events.access import managed_event
from core.events.checks import STILL_TO_SEND, check_times, refuse_when_over
from core.events.model import Cancellation, EventChange, EventView
from core.events.reminders import REMINDERS, dedupe_key
from core.events.start import start_of
from core.events.usecases import full_view
from core.invitations.grants import keep_followers
from core.notifications.owe import new_notification, owe_again, owe_subscribers, withdraw, withdraw_notifications
from core.rendering.updates import change_body, change_title
from core.work import Work
from core.zones import zone

TOLD = frozenset({"start_date", "end_date", "location"})
"""Changes that subscribers hear of unless the organizer says no."""
_SOON = dt.timedelta(hours=2)
"""Edits this close to a start do not wait for further edits."""

Changes = dict[str, list[Any]]
"""field → [value before the first edit, value after the last], as JSON."""


async def change_event(work: Work, public_id: str, change: EventChange) -> EventView:
    """Apply an edit, tell those who follow, and let the workflow move its reminders."""
    event = await managed_event(work, public_id, to_change=True)
    refuse_when_over(event, work.now, hint=STILL_TO_SEND)
    if change.revision is not None and change.revision != event.revision:
        raise conflict("Somebody changed this event after you opened it.", hint="Load it again, then make your change.")
    changed = _apply(event, change, work.now)
    if changed:
        event.revision += 1
        event.updated_at = work.now
        set_before = event.start_set_at
        if "start_date" in changed:
            event.start_set_at = work.now
            await withdraw(work, event.id, REMINDERS, "The event was moved.")
        if changed.get("is_public", [None, True])[1] is False:
            await withdraw(work, event.id, ["confirm"], "The event became private.")
            await keep_followers(work, event)
        await _tell(work, event, changed, change, set_before)
        work.ring(EVENT_UPDATED, event.id, event_id=event.id)
        work.detail = {"fields": sorted(changed), "revision": event.revision}
    return await full_view(work, event, mine=True)


async def cancel_event(work: Work, public_id: str, cancellation: Cancellation) -> EventView:
    """Cancel for good. What was still to be sent about the event is withdrawn; everybody is told at once."""
    return await call_off(work, await managed_event(work, public_id, to_change=True), cancellation)


async def call_off(work: Work, event: Event, cancellation: Cancellation) -> EventView:
    """As `cancel_event`, whoever it is that may."""
    if event.status == "cancelled":
        return await full_view(work, event, mine=True)
    refuse_when_over(event, work.now, hint=STILL_TO_SEND)
    event.status = "cancelled"
    event.cancel_reason = cancellation.reason
    event.revision += 1
    event.updated_at = work.now
    await withdraw(
        work, event.id, [*REMINDERS, "update", "welcome", "confirm", "invitation"], "The event was cancelled."
    )
    notification = await new_notification(
        work,
        "cancelled",
        event=event,
        title=f"{event.name} is cancelled",
        dedupe_key=f"cancelled:{event.id}",
    )
    await owe_subscribers(work, notification, event.id)
    _record(work, event, "cancelled", notification.title, cancellation.reason)
    work.ring(EVENT_CANCELLED, event.id, event_id=event.id)
    return await full_view(work, event, mine=True)


def _apply(event: Event, change: EventChange, now: dt.datetime) -> Changes:
    """Set what differs and return it. Raises for times that make no sense together."""
    wanted = change.changes()
    if change.timezone is not None:
        wanted["timezone"] = zone(change.timezone).key
    if change.when is not None:
        wanted["start_date"] = start_of(None, change.when, now, str(wanted.get("timezone", event.timezone)))
    changed: Changes = {}
    for field, value in wanted.items():
        before = getattr(event, field)
        if before != value:
            setattr(event, field, value)
            changed[field] = [_json(before), _json(value)]
    if "start_date" in changed or "end_date" in changed:
        check_times(event.start_date, event.end_date, now, start_is_new="start_date" in changed)
    return changed


async def _tell(work: Work, event: Event, changed: Changes, change: EventChange, set_before: dt.datetime) -> None:
    """Owe an update, merging it into the one that has not left yet. `set_before`: when the start before this edit was
    set; a start that goes back to what nobody was told has left gets that again, and with it its reminders."""
    told = {} if change.notify is False else {k: v for k, v in changed.items() if change.notify or k in TOLD}
    for silent in ("is_public", "is_listed"):
        told.pop(silent, None)
    waiting = await _waiting_update(work, event.id)
    if waiting is not None:
        # Even a quiet edit must correct a message that names the same field.
        told |= {field: change for field, change in changed.items() if field in waiting.data["changes"]}
    if not told:
        return
    merged = _merge(waiting.data["changes"], told) if waiting else told
    if waiting is not None and "start_date" in waiting.data["changes"]:
        set_before = dt.datetime.fromisoformat(waiting.data["start_set_at"])
        if "start_date" not in merged:
            event.start_set_at = set_before
            await owe_again(work, [dedupe_key(event.id, kind, event.start_date) for kind in REMINDERS])
    if not merged and waiting is not None:
        await withdraw_notifications(work, [waiting.id], "The change was undone.")
        await _forget(work, waiting)
        return
    at = work.now if _goes_at_once(event, merged, change, work.now) else _after_delay(work, waiting)
    zone_was = waiting.data.get("zone_was") if waiting is not None else changed.get("timezone", [event.timezone])[0]
    title, body = change_title(event, merged), change_body(event, merged, zone_was=zone_was)
    if waiting is not None:
        waiting.title, waiting.not_before = title, at
        waiting.data = waiting.data | {"changes": merged, "start_set_at": set_before.isoformat()}
        await _amend(work, event, waiting, title, body)
        await _move_rows(work, waiting)
        return
    record = _record(work, event, "schedule_change" if "start_date" in merged else "general", title, body)
    await work.session.flush()
    notification = await new_notification(
        work,
        "update",
        event=event,
        title=title,
        data={
            "changes": merged,
            "update_id": record.id,
            "start_set_at": set_before.isoformat(),
            "zone_was": zone_was,
        },
        not_before=at,
    )
    await owe_subscribers(work, notification, event.id)


async def _waiting_update(work: Work, event_id: int) -> Notification | None:
    """The update of this event of which nothing has left yet."""
    found: Notification | None = await work.session.scalar(
        select(Notification)
        .where(
            Notification.event_id == event_id,
            Notification.kind == "update",
            Notification.superseded_at.is_(None),
            Notification.closed_at.is_(None),
        )
        .order_by(Notification.id.desc())
        .limit(1)
        # A claim holds this lock while it takes rows: whether anything has left is asked once it is ours.
        .with_for_update()
    )
    if found is None:
        return None
    # Skipped: somebody left or removed a channel meanwhile; nothing was said to them.
    left = exists().where(Delivery.notification_id == found.id, Delivery.status.not_in(("queued", "skipped")))
    return None if await work.session.scalar(select(left)) else found


def _merge(earlier: Changes, later: Changes) -> Changes:
    """Old values of the first edit, new ones of the last; what went back is gone."""
    merged = dict(earlier)
    for field, (before, after) in later.items():
        merged[field] = [earlier[field][0] if field in earlier else before, after]
    return {field: pair for field, pair in merged.items() if pair[0] != pair[1]}


def _goes_at_once(event: Event, merged: Changes, change: EventChange, now: dt.datetime) -> bool:
    starts = [event.start_date]
    if "start_date" in merged:
        starts.append(dt.datetime.fromisoformat(merged["start_date"][0]))
    return change.notify == "now" or any(start - now <= _SOON for start in starts)


def _after_delay(work: Work, waiting: Notification | None) -> dt.datetime:
    """The first edit sets the time, so that a stream of edits cannot put the message off for ever."""
    return waiting.not_before if waiting else work.now + dt.timedelta(seconds=work.settings.update_delay_seconds)


async def _move_rows(work: Work, notification: Notification) -> None:
    """People who joined since the first edit were welcomed with the older time: they are told as well."""
    await work.session.flush()
    await owe_subscribers(work, notification, notification.event_id or 0)
    await work.session.execute(
        update(Delivery)
        .where(Delivery.notification_id == notification.id, Delivery.status == "queued")
        .values(next_attempt_at=notification.not_before)
    )


def _record(work: Work, event: Event, category: str, title: str, body: str) -> EventUpdate:
    row = EventUpdate(
        event_id=event.id,
        category=category,
        title=title,
        body=body,
        created_by=work.actor.user_id,
        revision=event.revision,
        created_at=work.now,
    )
    work.session.add(row)
    return row


async def _amend(work: Work, event: Event, notification: Notification, title: str, body: str) -> None:
    row = await work.session.get(EventUpdate, notification.data["update_id"])
    if row is not None:
        row.title, row.body, row.revision = title, body, event.revision


async def _forget(work: Work, notification: Notification) -> None:
    row = await work.session.get(EventUpdate, notification.data["update_id"])
    if row is not None:
        await work.session.delete(row)


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else value
