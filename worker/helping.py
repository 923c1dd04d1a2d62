"""Several workers carry one message together (PostgreSQL): Temporal gives it to one, which tells the others of it."""

import asyncio
import logging

from core.contracts import EVENT_UPDATED
from core.db.models import Notification
from core.db.said import DUE
from core.notifications.courier import Courier
from core.wiring import Openings
from core.work import Core, Work

log = logging.getLogger(__name__)

_PATIENCE = 3600.0
"""Seconds. Nothing is missed by not hearing: whoever was given the message carries it alone."""
_AGAIN = 5.0


class Helper:
    """Claims what is due of a message that another worker carries. Rows are claimed, so nobody is written to twice."""

    def __init__(self, core: Core, courier: Courier, openings: Openings) -> None:
        self._core = core
        self._courier = courier
        self._openings = openings
        self._helping: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    async with self._core.db.watch(DUE, _PATIENCE) as watch:
                        while True:
                            for number in await watch.changed():
                                self._help(int(number))
                except Exception:
                    log.exception("this worker does not hear the others; listening again in %.0f s", _AGAIN)
                    await asyncio.sleep(_AGAIN)
        finally:
            for task in self._helping.values():
                task.cancel()
            await asyncio.gather(*self._helping.values(), return_exceptions=True)

    def _help(self, notification_id: int) -> None:
        if notification_id in self._helping or self._courier.carries(notification_id):
            return
        task = asyncio.create_task(self._deliver(notification_id), name=f"helping with {notification_id}")
        self._helping[notification_id] = task
        task.add_done_callback(lambda _: self._helping.pop(notification_id, None))

    async def _deliver(self, notification_id: int) -> None:
        try:
            await self._openings.refresh()
            report = await self._courier.deliver(notification_id)
            if report.next_attempt_at is not None:
                await self._core.step(_hand_back, notification_id)
        except Exception:
            log.exception("helping with message %d ended early; its own worker goes on", notification_id)


async def _hand_back(work: Work, notification_id: int) -> None:
    """What is left of it is for the event's own workflow to wait for."""
    notification = await work.session.get(Notification, notification_id)
    if notification is not None and notification.event_id is not None:
        work.ring(EVENT_UPDATED, notification.event_id, event_id=notification.event_id)
