"""Looks at the reminder's own Temporal Schedule: that it is there, when it fires, and that it did."""

import datetime as dt
from typing import Any

from cli.demo.props import until
from cli.demo.stage import Stage
from core.clock import UTC
from core.contracts import reminder_schedule_id
from core.temporal import Temporal

KIND = "reminder_1hour"
A_WHILE = dt.timedelta(minutes=5)


class WatchedSchedule:
    """Only looks; nothing here makes a schedule fire. Once its reminder is sent, the event's workflow deletes it."""

    def __init__(self, temporal: Temporal, schedule_id: str, due: dt.datetime) -> None:
        self._temporal = temporal
        self._id = schedule_id
        self._due = due

    async def fires_at(self) -> dt.datetime | None:
        """For this reminder, not for the one that it replaces."""
        found = await self._describe()
        times = found.info.next_action_times if found else []
        return times[0] if times and self._due - A_WHILE < times[0] <= self._due else None

    async def started(self) -> Any:
        """The action that it has taken: when, and which workflow."""
        found = await self._describe()
        actions = found.info.recent_actions if found else []
        return actions[-1] if actions else None

    async def _describe(self) -> Any:
        """None while there is no such schedule."""
        client = await self._temporal.client()
        try:
            return await client.get_schedule_handle(self._id).describe()
        except Exception as error:
            if "not found" in str(error).lower():
                return None
            raise


async def watch_reminder(temporal: Temporal, stage: Stage, public_id: str, due: dt.datetime) -> None:
    """Promises that Temporal has the schedule and that the schedule, and nothing else, starts the reminder."""
    watched = WatchedSchedule(temporal, reminder_schedule_id(public_id, KIND), due)
    name = reminder_schedule_id(public_id, KIND)
    stage.wait("Waiting for the event's workflow to set the schedule …")
    at = await until(watched.fires_at, 10)
    when = f"it fires at {at:%H:%M:%S} UTC, a little early" if at else "not found"
    stage.promise(f"Temporal has the schedule {name}: {when}", at, schedule=name)
    stage.wait("Waiting for the schedule to fire …")
    action = await until(watched.started, (due - dt.datetime.now(UTC)).total_seconds() + 1)
    fired = f"at {action.started_at:%H:%M:%S} UTC, as workflow {action.action.workflow_id}" if action else "it did not"
    stage.promise(f"The schedule itself started the reminder: {fired}", action)
