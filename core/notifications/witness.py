"""What the log and the metrics are told of the sending: a line for each claim and each delivery that failed, counts for
each batch of outcomes."""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

from core.clock import UTC
from core.contracts import SendReport
from core.events.reminders import REMINDERS
from core.metrics.sending import SendingMetrics
from core.notifications.kinds import KINDS
from core.notifications.ledger import Claim, Result
from core.notifications.rows import About
from core.trail import following

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Matter:
    """What is told of the notification that a delivery is of. `promised`: a reminder's instant."""

    notification_id: int
    kind: str
    due_at: dt.datetime
    promised: dt.datetime | None
    trail: str | None

    @classmethod
    def of(cls, about: About) -> Self:
        row = about.notification
        before, start = REMINDERS.get(row.kind), row.data.get("start")
        promised = dt.datetime.fromtimestamp(start, UTC) - before if before is not None and start is not None else None
        return cls(row.id, row.kind, row.not_before, promised, row.trail)


class Witness:
    def __init__(self, metrics: SendingMetrics | None) -> None:
        self._metrics = metrics

    def claimed(self, matter: Matter, claim: Claim, trails: set[str]) -> None:
        """`trails` gets what asked for these rows."""
        trails.update(filter(None, [matter.trail, *(recipient.trail for recipient in claim.recipients)]))
        if claim.recipients or claim.passed_over:
            passed = "".join(f", {number} {status} ({code})" for (status, code), number in claim.passed_over.items())
            with following(*sorted(trails)):
                count = len(claim.recipients)
                log.info("notification %d (%s): %d claimed%s", matter.notification_id, matter.kind, count, passed)
        if self._metrics is not None:
            self._metrics.passed_over(matter.kind, claim.passed_over)

    def recorded(self, batch: Sequence[tuple[Matter, str, Result, str]], now: dt.datetime) -> None:
        """(its notification, its service, what the far end said, the row's new status)"""
        for matter, _, result, status in batch:
            if status != "delivered":
                self._tell_missed(matter, result, status)
        if self._metrics is None:
            return
        self._metrics.became(
            Counter(
                (matter.kind, channel, _outcome(result, status), result.outcome.code)
                for matter, channel, result, status in batch
            )
        )
        for matter, _, result, status in batch:
            if status == "delivered":
                due_at = max(matter.due_at, result.recipient.created_at)
                self._metrics.arrived(KINDS[matter.kind].lane, now - due_at)
                if matter.promised is not None:
                    self._metrics.reminded(matter.kind, now - matter.promised)

    def _tell_missed(self, matter: Matter, result: Result, status: str) -> None:
        recipient, outcome = result.recipient, result.outcome
        with following(matter.trail, recipient.trail):
            log.info(
                "delivery %d of notification %d, channel %s: %s, %s",
                recipient.delivery_id, matter.notification_id, recipient.integration_id, outcome.code,
                _outcome(result, status),
            )  # fmt: skip

    def settled(self, notification_id: int, trails: Collection[str], report: SendReport) -> None:
        """At the end of a round; of one that found nothing due there is nothing to say."""
        if trails:
            with following(*sorted(trails)):
                log.info(
                    "notification %d: %d delivered, %d failed, %d waiting, %d skipped",
                    notification_id, report.delivered, report.failed, report.waiting, report.skipped,
                )  # fmt: skip


def _outcome(result: Result, status: str) -> str:
    if status != "queued":
        return status
    return "deferred" if result.outcome.deferred else "retried"
