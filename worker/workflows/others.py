"""The short workflows: one reminder, one account mail, one round of upkeep."""

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from core.contracts import (
        MAINTENANCE_WORKFLOW,
        NOTIFICATION_OWED,
        NOTIFICATION_WORKFLOW,
        REMINDER_WORKFLOW,
        TIDY,
        Doorbell,
        ReminderOrder,
        SendOrder,
        SendReport,
    )
    from worker.workflows.sending import HEARTBEAT, send, send_reminder


@workflow.defn(name=REMINDER_WORKFLOW)
class ReminderWorkflow:
    """Started by its schedule a little early. What one send leaves over is the event's workflow's."""

    @workflow.run
    async def run(self, order: ReminderOrder) -> SendReport:
        return await send_reminder(order)


@workflow.defn(name=NOTIFICATION_WORKFLOW)
class NotificationWorkflow:
    """A mail that belongs to no event: sent until nothing of it is open."""

    def __init__(self) -> None:
        self._rung = True

    @workflow.run
    async def run(self, order: SendOrder) -> SendReport:
        while True:
            self._rung = False
            report = await send(order.notification_id)
            if report.next_attempt_at is None and not self._rung:
                return report
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(order)
            if self._rung or report.next_attempt_at is None:
                continue
            wait = datetime.fromisoformat(report.next_attempt_at) - workflow.now()
            try:
                await workflow.wait_condition(lambda: self._rung, timeout=max(timedelta(0), wait))
            except TimeoutError:
                continue

    @workflow.signal(name=NOTIFICATION_OWED)
    def notification_owed(self, _: Doorbell) -> None:
        self._rung = True


@workflow.defn(name=MAINTENANCE_WORKFLOW)
class MaintenanceWorkflow:
    """Erases what has expired."""

    @workflow.run
    async def run(self) -> dict[str, int]:
        erased: dict[str, int] = await workflow.execute_activity(
            TIDY,
            result_type=dict[str, int],
            start_to_close_timeout=timedelta(minutes=30),
            heartbeat_timeout=HEARTBEAT,
        )
        return erased
