"""What waits for people: a week for an address to say yes, a month for a session that nobody uses. Both ask the
database what there is to do; signals are doorbells."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from core.contracts import (
        SESSION_DUTIES,
        SESSION_STARTED,
        SESSION_WORKFLOW,
        VERIFICATION_COMPLETED,
        VERIFICATION_DUTIES,
        VERIFICATION_REQUESTED,
        VERIFICATION_WORKFLOW,
        AccountOrder,
        Doorbell,
        LookAgain,
        SessionOrder,
        session_workflow_id,
    )

_SHORTEST_WAIT = timedelta(seconds=1)
_PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


@workflow.defn(name=VERIFICATION_WORKFLOW)
class UserVerificationWorkflow:
    """Until the address of an account says yes, or its last link has expired and the account is forgotten."""

    def __init__(self) -> None:
        self._rung = False
        self._sessions: list[int] = []

    @workflow.run
    async def run(self, order: AccountOrder) -> str:
        while True:
            self._rung = False
            again = await _ask(VERIFICATION_DUTIES, order)
            while self._sessions:
                await self._watch(order.queue, self._sessions.pop(0))
            if again.wake_at is None and not self._rung:
                return "finished"
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(order)
            if again.wake_at is not None:
                await self._wait(datetime.fromisoformat(again.wake_at))

    async def _wait(self, until: datetime) -> None:
        try:
            await workflow.wait_condition(lambda: self._rung, timeout=max(_SHORTEST_WAIT, until - workflow.now()))
        except TimeoutError:
            return

    async def _watch(self, queue: str, session_id: int) -> None:
        """The first session outlives the workflow that saw it begin."""
        try:
            await workflow.start_child_workflow(
                SESSION_WORKFLOW,
                SessionOrder(session_id),
                id=session_workflow_id(queue, session_id),
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:
            return

    @workflow.signal(name=VERIFICATION_REQUESTED)
    def verification_requested(self, _: Doorbell) -> None:
        self._rung = True

    @workflow.signal(name=VERIFICATION_COMPLETED)
    def verification_completed(self, session: Doorbell) -> None:
        self._sessions.append(session.subject_id)
        self._rung = True


@workflow.defn(name=SESSION_WORKFLOW)
class SessionManagementWorkflow:
    """Sleeps until its session's time has come, looks again, and has it ended."""

    @workflow.run
    async def run(self, order: SessionOrder) -> str:
        while (again := await _ask(SESSION_DUTIES, order)).wake_at is not None:
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(order)
            await workflow.sleep(max(_SHORTEST_WAIT, datetime.fromisoformat(again.wake_at) - workflow.now()))
        return "finished"

    @workflow.signal(name=SESSION_STARTED)
    def session_started(self, _: Doorbell) -> None:
        """Starts it; there is nothing to add."""


async def _ask(activity: str, order: AccountOrder | SessionOrder) -> LookAgain:
    again: LookAgain = await workflow.execute_activity(
        activity,
        order,
        result_type=LookAgain,
        start_to_close_timeout=timedelta(seconds=60),
        retry_policy=_PATIENT,
    )
    return again
