"""Which reminders an event owes: pure functions of the event's times and the clock."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

REMINDERS: dict[str, dt.timedelta] = {"reminder_1day": dt.timedelta(days=1), "reminder_1hour": dt.timedelta(hours=1)}
WORDS = {"reminder_1day": "1 day before", "reminder_1hour": "1 hour before"}

Due = Literal["ahead", "missed", "never"]


@dataclass(frozen=True, slots=True)
class Reminder:
    kind: str
    at: dt.datetime
    due: Due
    """ahead: still to come. missed: its instant passed while it was owed. never: too late when the start was set."""


def reminders(start: dt.datetime, start_set_at: dt.datetime, now: dt.datetime) -> list[Reminder]:
    """Both reminders, earliest first."""
    found = []
    for kind, before in REMINDERS.items():
        at = start - before
        due: Due = "never" if start_set_at >= at else ("ahead" if at > now else "missed")
        found.append(Reminder(kind, at, due))
    return found


def to_come(start: dt.datetime, now: dt.datetime) -> list[str]:
    """The words for the reminders that somebody who subscribes now will still get."""
    return [WORDS[kind] for kind, before in REMINDERS.items() if start - before > now]


def latest_missed(start: dt.datetime, start_set_at: dt.datetime, now: dt.datetime) -> Reminder | None:
    """After an outage only the latest reminder that is due goes out, and none once the event has started."""
    if now >= start:
        return None
    missed = [reminder for reminder in reminders(start, start_set_at, now) if reminder.due == "missed"]
    return missed[-1] if missed else None


def dedupe_key(event_id: int, kind: str, start: dt.datetime) -> str:
    """A reminder is an event, a kind and a start instant: it exists once."""
    return f"{kind}:{event_id}:{int(start.timestamp())}"
