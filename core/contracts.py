"""What the worker and everybody who starts or signals a workflow agree on. Names and ids only: no text, no address."""

from dataclasses import dataclass, field

EVENT_WORKFLOW = "EventWorkflow"
REMINDER_WORKFLOW = "ReminderWorkflow"
NOTIFICATION_WORKFLOW = "NotificationWorkflow"
VERIFICATION_WORKFLOW = "UserVerificationWorkflow"
SESSION_WORKFLOW = "SessionManagementWorkflow"
MAINTENANCE_WORKFLOW = "MaintenanceWorkflow"

PARTICIPANT_ADDED = "participant_added"
PARTICIPANT_REMOVED = "participant_removed"
EVENT_UPDATED = "event_updated"
EVENT_CANCELLED = "event_cancelled"
SEND_MANUAL_NOTIFICATION = "send_manual_notification"
NOTIFICATION_OWED = "notification_owed"
"""Rings a NotificationWorkflow: account mail, which belongs to no event."""
VERIFICATION_REQUESTED = "verification_requested"
"""Rings a UserVerificationWorkflow: a link was mailed, so there is until then to press it."""
VERIFICATION_COMPLETED = "verification_completed"
"""The same: the address said yes, and the doorbell names the first session."""
SESSION_STARTED = "session_started"
"""Rings a SessionManagementWorkflow."""

EVENT_DUTIES = "event_duties"
SEND_NOTIFICATION = "send_notification"
SEND_REMINDER = "send_reminder"
VERIFICATION_DUTIES = "verification_duties"
SESSION_DUTIES = "session_duties"
TIDY = "tidy"

RELEASE = "1"
"""Changes with every release that changes a workflow."""

REMINDER_KINDS = ("reminder_1day", "reminder_1hour")


@dataclass(frozen=True)
class Doorbell:
    """The payload of every signal: the row it is about. Ringing twice is harmless."""

    subject_id: int
    trail: str | None = None
    """What rang, in the logs: ids, separated by commas."""


@dataclass(frozen=True)
class EventStart:
    """Starts an EventWorkflow. `sending` is what the run before it left unfinished; `scheduled` are the reminder
    schedules it set, by kind, with the start (epoch seconds) each is for."""

    event_id: int
    sending: list[int] = field(default_factory=list)
    scheduled: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DutiesOrder:
    """`trail`: what rang since it was last asked."""

    event_id: int
    scheduled: dict[str, int]
    trail: str | None = None


@dataclass(frozen=True)
class Duties:
    """What an event owes now, and when to look again (ISO 8601 UTC; None: only when rung). `release` is the
    worker's: when it changes, the workflow starts a fresh run, so that no history spans releases for long."""

    owed: list[int]
    wake_at: str | None
    over: bool
    subscribers: int
    scheduled: dict[str, int]
    release: str


@dataclass(frozen=True)
class SendOrder:
    notification_id: int


@dataclass(frozen=True)
class ReminderOrder:
    """One reminder of one start: sent only if the event still starts then (epoch seconds)."""

    event_id: int
    kind: str
    start: int


@dataclass(frozen=True)
class AccountOrder:
    """Starts a UserVerificationWorkflow, and asks what is to be done about that account. `queue` is the installation's:
    the first session's workflow is named by it."""

    user_id: int
    queue: str


@dataclass(frozen=True)
class SessionOrder:
    """Starts a SessionManagementWorkflow, and asks what is to be done about that session."""

    session_id: int


@dataclass(frozen=True)
class LookAgain:
    """When to look again (ISO 8601 UTC); None: there is nothing left to look after."""

    wake_at: str | None


@dataclass(frozen=True)
class SendReport:
    """Counted from the ledger, so it is right after a retry too."""

    delivered: int
    failed: int
    waiting: int
    skipped: int
    next_attempt_at: str | None = None


@dataclass(frozen=True)
class EventStatus:
    """What the `status` query answers."""

    sending: list[int]
    wake_at: str | None
    rings: int
    subscribers: int
    scheduled: dict[str, int]


def event_workflow_id(public_id: str) -> str:
    return f"event-{public_id}"


# Numbers are one database's own, and a namespace may serve several installations: their queues tell them apart.


def verification_workflow_id(queue: str, user_id: int) -> str:
    return f"{queue}-user-{user_id}-verification"


def session_workflow_id(queue: str, session_id: int) -> str:
    return f"{queue}-session-{session_id}"


def notification_workflow_id(queue: str, notification_id: int) -> str:
    return f"{queue}-notification-{notification_id}"


def maintenance_id(queue: str) -> str:
    """Of the schedule, and what the ids of its runs begin with."""
    return f"{queue}-maintenance"


def reminder_schedule_id(public_id: str, kind: str) -> str:
    return f"event-{public_id}-{kind.replace('_', '-')}"
