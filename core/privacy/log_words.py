"""What became of a message, in words for the person it was meant for: pure rules of the row and the clock."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel

Fate = Literal["arrived", "waiting", "failed", "not_sent"]


class LogEntry(BaseModel):
    """One message to one channel of somebody's, as they read it."""

    id: int
    at: dt.datetime
    """When it was sent, else when it was meant for them."""
    what: str
    because: str
    """Why it was for them."""
    title: str | None
    """Of what arrived."""
    event_id: str | None
    """None for mail about an account, and for an event that they may not see (any more)."""
    event_name: str | None
    timezone: str | None
    """The event's; None like its name."""
    channel: str
    """Its kind, and the name they gave it; for an address without an account the address, masked."""
    outcome: Fate
    why: str
    next_attempt_at: dt.datetime | None
    """When a message that waits is tried next."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What decides the words."""

    status: str
    code: str | None
    reason: str | None
    attempts: int
    due_at: dt.datetime
    subscription: str | None
    superseded: bool
    paused: bool
    mail: bool


class Became(NamedTuple):
    outcome: Fate
    why: str


_WHAT = {
    "created": "Your event was created",
    "confirm": "Asking you to confirm",
    "invitation": "An invitation",
    "confirm_channel": "Asking you to confirm a channel",
    "welcome": "Welcome",
    "reminder_1day": "Reminder, a day before",
    "reminder_1hour": "Reminder, an hour before",
    "update": "A change",
    "cancelled": "Cancellation",
    "message": "A message from the organizer",
    "channel_disabled": "A channel of yours stopped working",
    "verify": "A link to start an account",
    "sign_in": "A link to sign in",
    "change_email": "A link to change your address",
    "email_taken": "Somebody asked to use your address",
    "email_requested": "Somebody asked to change your account's address",
    "email_changed": "Your address was changed",
    "password_changed": "Your password was changed",
}
_BECAUSE = {
    "created": "You created this event.",
    "confirm": "Somebody asked for nudges at this address.",
    "invitation": "Somebody who organizes an event invited this address.",
    "confirm_channel": "Somebody wants to get their nudges at this address.",
    "channel_disabled": "The channel is yours.",
    "verify": "Somebody asked for an account with this address.",
    "sign_in": "You, or somebody who typed your address, asked to sign in.",
    "change_email": "Somebody asked to use this address for their account.",
    "email_taken": "Somebody asked to use this address for another account.",
    "email_requested": "This is the address of your account.",
    "email_changed": "This was the address of your account.",
    "password_changed": "This is the address of your account.",
}
"""Of what is not for followers."""
_NOT_SENT = {
    "left": "You were no longer following when it was due.",
    "unconfirmed": "You had not confirmed yet.",
    "paused": "You had paused this event.",
    "ended": "You were no longer following when it was due.",
    "no_access": "You could no longer see this event.",
    "suppressed": "This address asked never to be written to.",
    "channel_removed": "You had removed this channel.",
    "superseded": "A later change had made it out of date.",
    "event_cancelled": "The event was cancelled before it could go out.",
    "event_over": "It came too late to be of use: the event had begun or was over.",
    "expired": "The link in it had expired.",
    "erased": "This data was erased.",
}


def what_it_was(kind: str) -> str:
    return _WHAT.get(kind, "A message")


def why_them(
    kind: str, subscription: str | None, at: dt.datetime, followed_at: dt.datetime | None, zone_name: str | None
) -> str:
    """`subscription`: its state today. Whoever left and came back did not follow since the latest request already."""
    if kind in _BECAUSE:
        return _BECAUSE[kind]
    if followed_at is None or followed_at > at:
        return "You followed this event."
    day = followed_at.astimezone(ZoneInfo(zone_name or "UTC"))
    since = f"{day.day} {day:%b %Y}"
    if subscription == "ended":
        return f"You asked for nudges about this event on {since}."
    return f"You have followed this event since {since}."


def told(row: Seen, now: dt.datetime) -> Became:
    if row.status == "delivered":
        return Became("arrived", _arrived(row))
    if row.status == "dead":
        return Became("failed", _gave_up(row))
    if row.status == "skipped":
        return Became("not_sent", _NOT_SENT.get(row.code or "", row.reason or "It was no longer of use."))
    if row.status == "sending":
        return Became("waiting", "It is on its way.")
    if row.status == "pending":
        off = row.reason or "The channel is switched off."
        return Became("waiting", f"{off} Switch the channel on, and this goes out if it is still news.")
    return _queued(row, now)


def _arrived(row: Seen) -> str:
    if row.mail:
        return "Your mail server took it. If you cannot find it, look in your junk mail."
    return "It was delivered."


def _gave_up(row: Seen) -> str:
    tries = f"We tried {row.attempts} times and gave up. " if row.attempts > 1 else "It could not be delivered. "
    return tries + (row.reason or "")


def _queued(row: Seen, now: dt.datetime) -> Became:
    """What the next claim will make of it is said beforehand where it is known."""
    if row.superseded:
        return Became("not_sent", _NOT_SENT["superseded"])
    if row.subscription in ("ended", "paused"):
        return Became("not_sent", _NOT_SENT[row.subscription])
    if row.paused:
        return Became("waiting", "All sending is paused by the people who run this service. It goes out afterwards.")
    if row.attempts or row.reason:
        return Became("waiting", f"{row.reason or 'It did not work.'} We try again by ourselves.")
    if row.due_at > now:
        return Became("waiting", "Its time has not come yet.")
    return Became("waiting", "It is about to go out.")
