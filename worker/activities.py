"""The activities: where workflows meet the database and the world. All are safe to run twice."""

import asyncio
import contextlib
import datetime as dt
import hashlib
import logging
from collections.abc import AsyncIterator

from temporalio import activity
from temporalio.service import RPCError

from core.accounts.lifecycle import session_duties, verification_duties
from core.clock import UTC
from core.contracts import (
    EVENT_DUTIES,
    EVENT_UPDATED,
    RELEASE,
    REMINDER_KINDS,
    SEND_NOTIFICATION,
    SEND_REMINDER,
    SESSION_DUTIES,
    TIDY,
    VERIFICATION_DUTIES,
    AccountOrder,
    Duties,
    DutiesOrder,
    LookAgain,
    ReminderOrder,
    SendOrder,
    SendReport,
    SessionOrder,
)
from core.events.duties import EventDuties, event_duties, make_reminder
from core.events.reminders import REMINDERS
from core.notifications.courier import Courier
from core.temporal import Temporal, TemporalAwayError
from core.trail import following, fresh
from core.upkeep import tidy_all
from core.wiring import Openings
from core.work import Core, Work

log = logging.getLogger(__name__)

_BEAT_SECONDS = 1.0
_SCHEDULE_AGAIN = dt.timedelta(seconds=10)
_NOTHING = SendReport(delivered=0, failed=0, waiting=0, skipped=0)


class Activities:
    """Bound to one worker process."""

    def __init__(self, core: Core, courier: Courier, temporal: Temporal, openings: Openings) -> None:
        self._core = core
        self._courier = courier
        self._temporal = temporal
        self._openings = openings
        self._lead = core.settings.reminder_lead_seconds

    @activity.defn(name=EVENT_DUTIES)
    async def event_duties(self, order: DutiesOrder) -> Duties:
        """What the event owes; sets, moves and drops its reminder schedules on the way."""
        with following(order.trail):
            return await self._duties(order)

    async def _duties(self, order: DutiesOrder) -> Duties:
        found = await self._core.step(event_duties, order.event_id)
        if found is None:
            return Duties([], None, over=True, subscribers=0, scheduled={}, release=RELEASE)
        if found.owed:
            log.info("event %d owes %s", order.event_id, ", ".join(f"notification {each}" for each in found.owed))
        wake_at, scheduled = found.wake_at, order.scheduled
        try:
            scheduled = await self._schedule(order.event_id, found, order.scheduled)
        except (TemporalAwayError, RPCError) as error:
            # Reminders are some time off; what is owed now must not wait for their schedules.
            log.warning("the schedules of event %d could not be set: %s", order.event_id, error)
            wake_at = self._core.clock.now() + _SCHEDULE_AGAIN
        return Duties(
            owed=found.owed,
            wake_at=wake_at.isoformat() if wake_at else None,
            over=found.over,
            subscribers=found.subscribers,
            scheduled=scheduled,
            release=RELEASE,
        )

    async def _schedule(self, event_id: int, found: EventDuties, set_before: dict[str, int]) -> dict[str, int]:
        start = int(found.start.timestamp())
        ahead = {reminder.kind: reminder.at for reminder in found.ahead}
        for kind in REMINDER_KINDS:
            if kind in ahead and set_before.get(kind) != start:
                await self._set(found.public_id, ReminderOrder(event_id, kind, start), ahead[kind])
            elif kind not in ahead and kind in set_before:
                await self._temporal.drop_reminder(found.public_id, kind)
        if found.late is not None:
            await self._temporal.start_reminder(found.public_id, ReminderOrder(event_id, found.late.kind, start))
        return dict.fromkeys(ahead, start)

    async def _set(self, public_id: str, order: ReminderOrder, at: dt.datetime) -> None:
        """Schedules fire early, spread over a lead time, so that many due in one second arrive one by one; what is
        due sooner is started directly (a schedule for a past instant never fires and says nothing)."""
        early = self._lead + _spread(public_id, order.kind, self._lead)
        fire_at = (at - dt.timedelta(seconds=early)).replace(microsecond=0)
        if fire_at > self._core.clock.now() + dt.timedelta(seconds=1):
            await self._temporal.set_reminder(public_id, order, fire_at)
        else:
            await self._temporal.drop_reminder(public_id, order.kind)
            await self._temporal.start_reminder(public_id, order)

    @activity.defn(name=SEND_NOTIFICATION)
    async def send_notification(self, order: SendOrder) -> SendReport:
        """Send what is due of a notification."""
        async with _heartbeats():
            await self._openings.refresh()
            return await self._courier.deliver(order.notification_id)

    @activity.defn(name=SEND_REMINDER)
    async def send_reminder(self, order: ReminderOrder) -> SendReport:
        """Wait for the reminder's instant, owe it to everybody who follows then, and send it."""
        at = dt.datetime.fromtimestamp(order.start, UTC) - REMINDERS[order.kind]
        async with _heartbeats():
            await self._until(at)
            with following(fresh()):
                notification_id = await self._core.step(make_reminder, order.event_id, order.kind, order.start)
                if notification_id is None:
                    return _NOTHING
                await self._openings.refresh()
                report = await self._courier.deliver(notification_id)
                if report.next_attempt_at is not None:
                    await self._core.step(_hand_over, order.event_id)
        return report

    async def _until(self, moment: dt.datetime) -> None:
        """The clock is looked at again and again: it may be set while we wait."""
        while (remaining := (moment - self._core.clock.now()).total_seconds()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(remaining, 60.0))

    @activity.defn(name=VERIFICATION_DUTIES)
    async def verification_duties(self, order: AccountOrder) -> LookAgain:
        """When to look again at an account that is not verified yet; forgets it when nobody did in time."""
        return _look_again(await self._core.step(verification_duties, order.user_id))

    @activity.defn(name=SESSION_DUTIES)
    async def session_duties(self, order: SessionOrder) -> LookAgain:
        """When to look again at a session; ends it when its time has come."""
        return _look_again(await self._core.step(session_duties, order.session_id))

    @activity.defn(name=TIDY)
    async def tidy(self) -> dict[str, int]:
        async with _heartbeats():
            return await tidy_all(self._core)


async def _hand_over(work: Work, event_id: int) -> None:
    """What is left of a reminder is retried by the event's own workflow."""
    work.ring(EVENT_UPDATED, event_id, event_id=event_id)


def _look_again(at: dt.datetime | None) -> LookAgain:
    return LookAgain(at.isoformat() if at else None)


def _spread(public_id: str, kind: str, seconds: int) -> int:
    return hashlib.sha256(f"{public_id} {kind}".encode()).digest()[0] * seconds // 256


@contextlib.asynccontextmanager
async def _heartbeats() -> AsyncIterator[None]:
    """Tell Temporal that this activity lives; it learns of its own cancellation the same way."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(_BEAT_SECONDS)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
