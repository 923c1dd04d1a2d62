"""How a workflow has a notification sent: one activity, retried without limit, because attempts belong to rows."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from core.contracts import SEND_NOTIFICATION, SEND_REMINDER, ReminderOrder, SendOrder, SendReport

HEARTBEAT = timedelta(seconds=5)
"""How long a killed worker goes unnoticed."""
_WITHOUT_LIMIT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


async def send(notification_id: int) -> SendReport:
    """Send what is due of a notification; counts come from the ledger."""
    return await _have_sent(SEND_NOTIFICATION, SendOrder(notification_id))


async def send_reminder(order: ReminderOrder) -> SendReport:
    """Wait in the worker for the reminder's exact instant, then send it."""
    return await _have_sent(SEND_REMINDER, order)


async def _have_sent(activity: str, order: SendOrder | ReminderOrder) -> SendReport:
    report: SendReport = await workflow.execute_activity(
        activity,
        order,
        result_type=SendReport,
        start_to_close_timeout=timedelta(hours=12),
        heartbeat_timeout=HEARTBEAT,
        retry_policy=_WITHOUT_LIMIT,
    )
    return report
