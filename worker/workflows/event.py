"""One workflow for each event: it is rung, it asks the database what is owed, it has it sent."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from core.contracts import (
        EVENT_CANCELLED,
        EVENT_DUTIES,
        EVENT_UPDATED,
        EVENT_WORKFLOW,
        PARTICIPANT_ADDED,
        PARTICIPANT_REMOVED,
        SEND_MANUAL_NOTIFICATION,
        Doorbell,
        Duties,
        DutiesOrder,
        EventStart,
        EventStatus,
    )
    from worker.workflows.sending import send

_SHORTEST_WAIT = 0.2
"""Seconds."""
_TOO_LONG = 20_000
"""Events of history after which a fresh run does not wait for sends under way; Temporal ends a run at 51,200."""
_TRAILS = 50
"""Rings of which an order carries the trail: its payload stays small however often the bell rings."""
_PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


@workflow.defn(name=EVENT_WORKFLOW)
class EventWorkflow:
    """Lives until the event's end and its grace. Signals are doorbells: rung twice or late, they change nothing."""

    @workflow.init
    def __init__(self, start: EventStart) -> None:
        self._event_id = start.event_id
        self._scheduled = start.scheduled
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._leaving = False
        self._rung = True
        self._rings = 0
        self._trails: list[str] = []
        self._wake_at: datetime | None = None
        self._subscribers = 0
        self._release: str | None = None

    @workflow.run
    async def run(self, start: EventStart) -> str:
        for notification_id in start.sending:
            self._send(notification_id)
        while True:
            await self._until_needed()
            duties = await self._ask()
            for notification_id in duties.owed:
                self._send(notification_id)
            history = workflow.info()
            stale = history.is_continue_as_new_suggested() or self._release != duties.release
            self._leaving = duties.over or duties.wake_at is None or stale
            if self._sending and history.get_current_history_length() < _TOO_LONG:
                # One that is cut off gives its rows back late: each ends in the run that began it.
                continue
            if duties.over and not self._sending and not self._rung:
                return "finished"
            if stale:
                workflow.continue_as_new(EventStart(self._event_id, sorted(self._sending), self._scheduled))

    async def _until_needed(self) -> None:
        """Until somebody rings, or the earliest wake comes; a send that ends may bring that one forward."""
        while not self._rung:
            wake_at, wait = self._wake_at, None
            if wake_at is not None:
                # Temporal's clock may be ahead of the worker's: what is not due there yet is not asked in a loop.
                wait = max(_SHORTEST_WAIT, (wake_at - workflow.now()).total_seconds())
            try:
                await workflow.wait_condition(
                    lambda: self._rung or self._wake_at != wake_at,  # noqa: B023 - read before the loop goes on
                    timeout=wait,
                )
            except TimeoutError:
                return

    async def _ask(self) -> Duties:
        self._rung, self._wake_at = False, None
        trails, self._trails = self._trails, []
        duties: Duties = await workflow.execute_activity(
            EVENT_DUTIES,
            DutiesOrder(self._event_id, self._scheduled, ",".join(trails) or None),
            result_type=Duties,
            start_to_close_timeout=timedelta(seconds=60),
            retry_policy=_PATIENT,
        )
        self._scheduled = duties.scheduled
        self._subscribers = duties.subscribers
        if duties.wake_at:
            self._wake(datetime.fromisoformat(duties.wake_at))
        self._release = self._release or duties.release
        return duties

    def _send(self, notification_id: int) -> None:
        if notification_id not in self._sending:
            self._sending[notification_id] = asyncio.create_task(self._send_and_look(notification_id))

    async def _send_and_look(self, notification_id: int) -> None:
        try:
            report = await send(notification_id)
        finally:
            del self._sending[notification_id]
            if self._leaving and not self._sending:
                # Nothing else would wake the run: what was owed last is done.
                self._rung = True
        if report.next_attempt_at is not None:
            self._wake(datetime.fromisoformat(report.next_attempt_at))

    def _wake(self, at: datetime) -> None:
        self._wake_at = min(self._wake_at or at, at)

    def _ring(self, bell: Doorbell) -> None:
        self._rung = True
        self._rings += 1
        if bell.trail and len(self._trails) < _TRAILS:
            self._trails.append(bell.trail)

    @workflow.signal(name=PARTICIPANT_ADDED)
    def participant_added(self, bell: Doorbell) -> None:
        self._ring(bell)

    @workflow.signal(name=PARTICIPANT_REMOVED)
    def participant_removed(self, bell: Doorbell) -> None:
        self._ring(bell)

    @workflow.signal(name=EVENT_UPDATED)
    def event_updated(self, bell: Doorbell) -> None:
        self._ring(bell)

    @workflow.signal(name=EVENT_CANCELLED)
    def event_cancelled(self, bell: Doorbell) -> None:
        self._ring(bell)

    @workflow.signal(name=SEND_MANUAL_NOTIFICATION)
    def send_manual_notification(self, bell: Doorbell) -> None:
        self._ring(bell)

    @workflow.query
    def status(self) -> EventStatus:
        return EventStatus(
            sending=sorted(self._sending),
            wake_at=self._wake_at.isoformat() if self._wake_at else None,
            rings=self._rings,
            subscribers=self._subscribers,
            scheduled=self._scheduled,
        )
