"""The port to Temporal: connect, ring, ask, schedule. Every call is bounded, because a server that hangs takes 30 s
to fail and one that is gone 6 s. No request and no chat command waits for any of them but the status page."""

import asyncio
import datetime as dt
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Literal, TypeVar

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from core.clock import UTC
from core.contracts import (
    EVENT_WORKFLOW,
    NOTIFICATION_OWED,
    NOTIFICATION_WORKFLOW,
    REMINDER_WORKFLOW,
    SESSION_STARTED,
    SESSION_WORKFLOW,
    VERIFICATION_WORKFLOW,
    AccountOrder,
    Doorbell,
    EventStart,
    EventStatus,
    ReminderOrder,
    SendOrder,
    SessionOrder,
    event_workflow_id,
    notification_workflow_id,
    reminder_schedule_id,
    session_workflow_id,
    verification_workflow_id,
)
from core.settings import Settings
from core.trail import current

T = TypeVar("T")

_SECONDS = 3.0
_CATCH_UP = dt.timedelta(days=1)


class TemporalAwayError(Exception):
    """Temporal did not answer in time. What was to be rung stays in the outbox."""


Matter = Literal["absent", "hanging", "foreign", "namespace", "refused"]


@dataclass(frozen=True, slots=True)
class Connection:
    """What a connectivity check found: what is the matter in one word, and `error` in a sentence's middle."""

    reachable: bool
    address: str
    namespace: str
    error: str | None = None
    matter: Matter | None = None


class Temporal:
    """One client per process, connected when it is first needed and again after a failure. A ring carries the trail
    of whoever rings."""

    def __init__(self, settings: Settings) -> None:
        self.address = settings.temporal_url
        self.namespace = settings.temporal_namespace
        self.task_queue = settings.temporal_task_queue
        self._client: Client | None = None

    async def client(self) -> Client:
        """Raises TemporalAwayError."""
        if self._client is None:
            try:
                async with asyncio.timeout(_SECONDS):
                    self._client = await Client.connect(
                        self.address,
                        namespace=self.namespace,
                        retry_config=RetryConfig(max_elapsed_time_millis=int(_SECONDS * 1000)),
                    )
            except (RuntimeError, TimeoutError, RPCError) as error:
                raise TemporalAwayError(f"Temporal at {self.address} does not answer") from error
        return self._client

    async def check(self) -> Connection:
        """Whether the namespace answers."""
        try:
            client = await self.client()
            async with asyncio.timeout(_SECONDS):
                await client.service_client.check_health()
                await anext(client.list_workflows("WorkflowId = 'none'", page_size=1), None)
        except (TemporalAwayError, TimeoutError, RPCError, RuntimeError) as error:
            # The cause of being away says more; that of running out of time is only that the call was given up.
            cause = error.__cause__ if isinstance(error, TemporalAwayError) else None
            matter = await self._matter(cause or error)
            return Connection(False, self.address, self.namespace, _MATTERS.get(matter) or _words(error), matter)
        return Connection(True, self.address, self.namespace)

    async def _matter(self, error: BaseException) -> Matter:
        """A server that is gone and one that hangs fail alike: whether anybody listens tells them apart."""
        if isinstance(error, RPCError) and error.status == RPCStatusCode.NOT_FOUND:
            return "namespace"
        if isinstance(error, RPCError) and error.status in _REFUSED:
            return "refused"
        if not await _listens(self.address):
            return "absent"
        if isinstance(error, TimeoutError) or (isinstance(error, RPCError) and error.status in _AWAY):
            return "hanging"
        return "foreign"

    async def polled_at(self) -> dt.datetime | None:
        """When a worker last asked for work; None if none has in the last few minutes. Raises TemporalAwayError."""
        client = await self.client()
        request = DescribeTaskQueueRequest(
            namespace=self.namespace,
            task_queue=TaskQueue(name=self.task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        try:
            found = await _bounded(client.workflow_service.describe_task_queue(request))
        except RPCError as error:
            raise TemporalAwayError(_words(error)) from error
        polls = [poller.last_access_time.ToDatetime(UTC) for poller in found.pollers]
        return max(polls, default=None)

    async def ring_event(self, event_id: int, public_id: str, signal: str, subject_id: int) -> None:
        """Signal an event's workflow, starting it if it does not run. Ringing twice is harmless."""
        await self._ring(EVENT_WORKFLOW, EventStart(event_id), event_workflow_id(public_id), signal, subject_id)

    async def ring_notification(self, notification_id: int) -> None:
        """The workflow of an account mail, which belongs to no event."""
        order, workflow_id = SendOrder(notification_id), notification_workflow_id(self.task_queue, notification_id)
        await self._ring(NOTIFICATION_WORKFLOW, order, workflow_id, NOTIFICATION_OWED, notification_id)

    async def ring_account(self, user_id: int, signal: str, subject_id: int) -> None:
        """The workflow that waits for an account's address to say yes, or the one of a session that began."""
        if signal == SESSION_STARTED:
            order, workflow_id = SessionOrder(subject_id), session_workflow_id(self.task_queue, subject_id)
            await self._ring(SESSION_WORKFLOW, order, workflow_id, signal, subject_id)
        else:
            account, workflow_id = (
                AccountOrder(user_id, self.task_queue),
                verification_workflow_id(self.task_queue, user_id),
            )
            await self._ring(VERIFICATION_WORKFLOW, account, workflow_id, signal, subject_id)

    async def _ring(self, workflow: str, start: object, workflow_id: str, signal: str, subject_id: int) -> None:
        client = await self.client()
        await _bounded(
            client.start_workflow(
                workflow,
                start,
                id=workflow_id,
                task_queue=self.task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                start_signal=signal,
                start_signal_args=[Doorbell(subject_id, current() or None)],
            )
        )

    async def start_reminder(self, public_id: str, order: ReminderOrder) -> None:
        """A reminder that is due sooner than a schedule could fire. Starting it again changes nothing."""
        client = await self.client()
        try:
            await _bounded(
                client.start_workflow(
                    REMINDER_WORKFLOW,
                    order,
                    id=f"{reminder_schedule_id(public_id, order.kind)}-{order.start}",
                    task_queue=self.task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                )
            )
        except WorkflowAlreadyStartedError:
            return

    async def set_reminder(self, public_id: str, order: ReminderOrder, fire_at: dt.datetime) -> None:
        """Upsert the one schedule of this reminder: it fires once, at `fire_at` (whole seconds, in the future)."""
        client = await self.client()
        schedule = self._schedule(public_id, order, fire_at)
        schedule_id = reminder_schedule_id(public_id, order.kind)
        try:
            await _bounded(client.create_schedule(schedule_id, schedule))
        except ScheduleAlreadyRunningError:

            async def replace(_: ScheduleUpdateInput) -> ScheduleUpdate:
                return ScheduleUpdate(schedule)

            await _bounded(client.get_schedule_handle(schedule_id).update(replace))

    async def drop_reminder(self, public_id: str, kind: str) -> None:
        """Delete the schedule, if there is one."""
        client = await self.client()
        try:
            await _bounded(client.get_schedule_handle(reminder_schedule_id(public_id, kind)).delete())
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise

    async def event_status(self, public_id: str) -> EventStatus | None:
        """The workflow's own answer; None when it does not run (any more). Raises TemporalAwayError."""
        client = await self.client()
        handle = client.get_workflow_handle(event_workflow_id(public_id))
        try:
            return await _bounded(handle.query("status", result_type=EventStatus))
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise TemporalAwayError(_words(error)) from error

    def _schedule(self, public_id: str, order: ReminderOrder, fire_at: dt.datetime) -> Schedule:
        at = fire_at.astimezone(UTC)
        return Schedule(
            action=ScheduleActionStartWorkflow(
                REMINDER_WORKFLOW,
                order,
                id=reminder_schedule_id(public_id, order.kind),
                task_queue=self.task_queue,
            ),
            spec=ScheduleSpec(
                calendars=[
                    ScheduleCalendarSpec(
                        second=(ScheduleRange(at.second),),
                        minute=(ScheduleRange(at.minute),),
                        hour=(ScheduleRange(at.hour),),
                        day_of_month=(ScheduleRange(at.day),),
                        month=(ScheduleRange(at.month),),
                        year=(ScheduleRange(at.year),),
                    )
                ]
            ),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCH_UP),
            state=ScheduleState(limited_actions=True, remaining_actions=1),
        )


async def _bounded(call: Awaitable[T]) -> T:
    """Away is said in one way, whatever form it takes."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await call
    except TimeoutError as error:
        raise TemporalAwayError("Temporal does not answer in time") from error
    except RPCError as error:
        if error.status in _AWAY:
            raise TemporalAwayError(_words(error)) from error
        raise


async def _listens(address: str) -> bool:
    """Whether a connection is taken there; a process that is stopped or stuck still takes some."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


_MATTERS: dict[Matter, str] = {
    "absent": "nobody listens there",
    "hanging": "it takes connections and does not answer in time",
    "foreign": "something answers there, but not as Temporal does",
    "refused": "it refuses us",
}
_REFUSED = {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED}
_AWAY = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}


def _words(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:200] or type(error).__name__
