"""The ledger: claiming rows under a lease, recording what became of them, counting.

A row is claimed before it is sent and recorded after; only an expired lease is taken over. So a crash repeats what
was in flight and loses nothing.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from sqlalchemy import bindparam, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from core.contracts import SendReport
from core.db.again import until_done
from core.db.engine import Database
from core.db.models import Delivery, Integration, Notification, Subscription
from core.db.said import DUE
from core.delivery.message import Outcome
from core.notifications.kinds import KINDS, SEND, Timing, Verdict, still_news, still_useful
from core.notifications.rows import (
    OPEN,
    About,
    Recipient,
    about_of,
    counts_of,
    due_rows,
    judge_row,
    next_due,
    recipient_of,
    sending_paused,
)

_PAUSE_LOOK = dt.timedelta(seconds=60)
_DEFER_AT_LEAST = dt.timedelta(seconds=5)
_DEFER_AT_MOST = dt.timedelta(minutes=10)
_GIVE_UP = dt.timedelta(days=3)
"""A host that asks to wait, again and again, is waited for this long; deferrals use no attempt up."""


@dataclass(frozen=True, slots=True)
class Claim:
    about: About | None
    recipients: list[Recipient]
    more: bool
    """Whether a further claim may find something due now."""
    passed_over: dict[tuple[str, str], int] = field(default_factory=dict)
    """How many rows got another status than being sent, by (status, code)."""


@dataclass(frozen=True, slots=True)
class Result:
    recipient: Recipient
    outcome: Outcome


class Ledger:
    """The delivery rows of one worker process. `owner` names the process in leases.

    What was claimed is in hand until it is recorded, released or dropped: it is not claimed again, its lease is
    renewed, and it is not sent once the lease is lost.
    """

    def __init__(
        self, db: Database, owner: str, *, lease: dt.timedelta, grace: dt.timedelta, retry_delays: Sequence[int]
    ) -> None:
        self._db = db
        self._owner = owner
        self._lease = lease
        self._grace = grace
        self._retry_delays = [dt.timedelta(seconds=seconds) for seconds in retry_delays]
        self._in_hand: dict[int, dt.datetime] = {}
        """Delivery id → when our lease on it ends."""
        self._let_go: set[int] = set()
        """Of these, the ones whose subscriber is out since they were claimed."""

    def holds(self, recipient: Recipient, now: dt.datetime) -> bool:
        """Whether the row is still ours to send. Asked at the last moment before a send."""
        until = self._in_hand.get(recipient.delivery_id)
        return until is not None and now < until and recipient.delivery_id not in self._let_go

    def drop(self, recipient: Recipient) -> None:
        """Let go of a row whose lease was lost before it was sent: it belongs to whoever claims it next."""
        self._in_hand.pop(recipient.delivery_id, None)
        self._let_go.discard(recipient.delivery_id)

    async def look_for_leavers(self) -> None:
        """Send nothing more to those who left, lost their access or removed their channel after the claim. Their rows
        are given up, not judged: the lease ends, and the next claim says why they are skipped; what is on its way is
        still recorded."""
        if self._in_hand:
            left = (
                select(Delivery.id)
                .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
                .outerjoin(Integration, Integration.id == Delivery.integration_id)
                .where(
                    Delivery.id.in_(list(self._in_hand)),
                    or_(Subscription.state == "ended", Integration.removed_at.is_not(None)),
                )
            )
            async with self._db.read_rows() as connection:
                self._let_go.update(await connection.scalars(left))

    async def claim(self, notification_id: int, limit: int, now: dt.datetime) -> Claim:
        """Lease up to `limit` due rows; rows that are no longer owed get their final status instead."""
        return await until_done(lambda: self._claim(notification_id, limit, now))

    async def _claim(self, notification_id: int, limit: int, now: dt.datetime) -> Claim:
        async with self._db.write() as session:
            about = await about_of(session, notification_id)
            if about is None or await sending_paused(session):
                return Claim(about, [], more=False)
            rows = (await session.execute(due_rows(notification_id, limit, now, list(self._in_hand)))).all()
            whole = self._judge(about, now)
            verdicts: dict[Verdict, list[int]] = defaultdict(list)
            recipients = []
            for row in rows:
                verdict = whole if whole != SEND else judge_row(about.notification.kind, row)
                verdicts[verdict].append(row.id)
                if verdict == SEND:
                    recipients.append(recipient_of(row))
            for verdict, ids in verdicts.items():
                await session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(self._claimed(verdict, now)))
            if len(rows) == limit:
                await self._say_more(session, notification_id)
        self._in_hand |= dict.fromkeys((recipient.delivery_id for recipient in recipients), now + self._lease)
        passed_over = {(str(found.status), found.code): len(ids) for found, ids in verdicts.items() if found != SEND}
        return Claim(about, recipients, len(rows) == limit, passed_over)

    async def _say_more(self, session: AsyncSession, notification_id: int) -> None:
        """There is enough for other workers too (PostgreSQL; SQLite has one worker)."""
        if not self._db.sqlite:
            await session.execute(select(func.pg_notify(DUE, str(notification_id))))

    def _judge(self, about: About, now: dt.datetime) -> Verdict:
        notification, event = about.notification, about.event
        if notification.superseded_at is not None:
            return Verdict("skipped", "superseded", "A later change made it untrue.")
        start = notification.data.get("start")
        if event is not None and start is not None and int(event.start_date.timestamp()) != start:
            return Verdict("skipped", "superseded", "The event was moved.")
        timing = Timing(event.status, event.start_date, event.end_date, self._grace) if event else None
        kind = KINDS[notification.kind]
        if (useful := still_useful(kind, notification.created_at, now)) != SEND:
            return useful
        return still_news(kind, timing, now)

    def _claimed(self, verdict: Verdict, now: dt.datetime) -> dict[str, object]:
        if verdict == SEND:
            return {"status": "sending", "lease_owner": self._owner, "lease_until": now + self._lease}
        return {
            "status": verdict.status,
            "code": verdict.code,
            "reason": verdict.reason,
            "lease_owner": None,
            "lease_until": None,
        }

    async def record(self, results: Sequence[Result], now: dt.datetime) -> list[str]:
        """Write outcomes in one transaction; what each row became, in their order. A row whose lease somebody else
        took over is left to them."""
        delivered = [result for result in results if result.outcome.delivered]
        missed = [result for result in results if not result.outcome.delivered]
        values = {result.recipient.delivery_id: self._missed_values(result, now) for result in missed}

        async def transaction() -> None:
            async with self._db.write_rows() as connection:
                if delivered:
                    await self._record_delivered(connection, delivered, now)
                if missed:
                    await self._record_missed(connection, missed, list(values.values()))

        await until_done(transaction)
        for result in results:
            self.drop(result.recipient)
        return [
            "delivered" if result.outcome.delivered else str(values[result.recipient.delivery_id]["new_status"])
            for result in results
        ]

    async def _record_delivered(self, connection: AsyncConnection, results: list[Result], now: dt.datetime) -> None:
        await connection.execute(
            update(Delivery)
            .where(Delivery.id.in_([r.recipient.delivery_id for r in results]), Delivery.lease_owner == self._owner)
            .values(
                status="delivered",
                attempts=Delivery.attempts + 1,
                sent_at=now,
                code="ok",
                reason=None,
                lease_owner=None,
                lease_until=None,
            )
        )
        healed = [r.recipient.integration_id for r in results if r.recipient.failures]
        if healed:
            await connection.execute(
                update(Integration).where(Integration.id.in_(healed)).values(failures=0, last_error=None)
            )

    async def _record_missed(
        self, connection: AsyncConnection, results: list[Result], values: list[dict[str, object]]
    ) -> None:
        await connection.execute(_MISSED, values)
        failed = [r for r in results if not r.outcome.deferred]
        if failed:
            await connection.execute(
                _COUNT_FAILURE,
                sorted(
                    ({"integration": r.recipient.integration_id, "error": r.outcome.reason} for r in failed),
                    key=itemgetter("integration"),  # in one order, or two workers wait for each other
                ),
            )

    def _missed_values(self, result: Result, now: dt.datetime) -> dict[str, object]:
        recipient, outcome = result.recipient, result.outcome
        attempts = recipient.attempts + (0 if outcome.deferred else 1)
        age = now - recipient.created_at
        if outcome.deferred:
            # The longer a row has waited, the less often it asks: who defers for ever is not asked for ever.
            asked = dt.timedelta(seconds=outcome.retry_after or 30)
            wait: dt.timedelta | None = max(asked, _DEFER_AT_LEAST, min(age / 4, _DEFER_AT_MOST))
        else:
            wait = self._retry_delays[attempts - 1] if attempts <= len(self._retry_delays) else None
        tired = outcome.deferred and age > _GIVE_UP
        dead = outcome.permanent or wait is None or tired
        return {
            "delivery": recipient.delivery_id,
            "owner": self._owner,
            "new_status": "dead" if dead else "queued",
            "new_attempts": attempts,
            "at": now if dead or wait is None else now + wait,
            "new_code": outcome.code,
            "new_reason": outcome.reason,
        }

    async def release(self, recipients: Sequence[Recipient]) -> None:
        """Give back what was claimed and not tried."""
        ids = [recipient.delivery_id for recipient in recipients]
        async with self._db.write_rows() as connection:
            await connection.execute(
                update(Delivery)
                .where(Delivery.id.in_(ids), Delivery.lease_owner == self._owner, Delivery.status == "sending")
                .values(status="queued", lease_owner=None, lease_until=None)
            )
        for delivery_id in ids:
            self._in_hand.pop(delivery_id, None)

    async def renew(self, now: dt.datetime) -> None:
        """Extend the leases of everything in hand; a row that somebody else has taken is known to be lost."""
        ids = [delivery_id for delivery_id in self._in_hand if delivery_id not in self._let_go]
        if not ids:
            return
        async with self._db.write_rows() as connection:
            ours = set(
                await connection.scalars(
                    update(Delivery)
                    .where(Delivery.id.in_(ids), Delivery.lease_owner == self._owner, Delivery.status == "sending")
                    .values(lease_until=now + self._lease)
                    .returning(Delivery.id)
                )
            )
        for delivery_id in ids:
            if delivery_id in self._in_hand:
                self._in_hand[delivery_id] = now + self._lease if delivery_id in ours else now

    async def take_over(self) -> None:
        """Free every lease of other processes: only where it is certain that none is alive (SQLite, one worker)."""
        async with self._db.write_rows() as connection:
            await connection.execute(
                update(Delivery)
                .where(OPEN, Delivery.status == "sending", Delivery.lease_owner != self._owner)
                .values(status="queued", lease_owner=None, lease_until=None)
            )

    async def settle(self, notification_id: int, now: dt.datetime) -> SendReport:
        """Close the notification if nothing of it is open; its counts, and when to look again."""

        async def close() -> None:
            async with self._db.write_rows() as connection:
                await close_quiet(connection, [notification_id], now)

        await until_done(close)
        async with self._db.read_rows() as connection:
            counts = await counts_of(connection, notification_id)
            upcoming = await connection.scalar(next_due(notification_id))
            if upcoming is not None and await sending_paused(connection):
                upcoming = max(upcoming, now + _PAUSE_LOOK)
        return SendReport(**counts, next_attempt_at=upcoming.isoformat() if upcoming else None)


async def close_quiet(connection: AsyncConnection | AsyncSession, ids: Sequence[int], now: dt.datetime) -> None:
    """Close those of these notifications of which nothing is open.

    Those that look quiet are locked, and looked at again: who is adding a row to one just now is waited for, and the
    row is seen (PostgreSQL; SQLite has one writer at a time).
    """
    open_rows = exists().where(Delivery.notification_id == Notification.id, OPEN)
    quiet = select(Notification.id).where(Notification.id.in_(ids), Notification.closed_at.is_(None), ~open_rows)
    locked = [row.id for row in await connection.execute(quiet.order_by(Notification.id).with_for_update())]
    if not locked:
        return
    await connection.execute(
        update(Notification)
        .where(Notification.id.in_(locked), Notification.closed_at.is_(None), ~open_rows)
        .values(closed_at=now)
    )


_MISSED = (
    update(Delivery)
    .where(Delivery.id == bindparam("delivery"), Delivery.lease_owner == bindparam("owner"))
    .values(
        status=bindparam("new_status"),
        attempts=bindparam("new_attempts"),
        next_attempt_at=bindparam("at"),
        code=bindparam("new_code"),
        reason=bindparam("new_reason"),
        lease_owner=None,
        lease_until=None,
    )
)
_COUNT_FAILURE = (
    update(Integration)
    .where(Integration.id == bindparam("integration"))
    .values(failures=Integration.failures + 1, last_error=bindparam("error"))
)
