"""The kinds of message there are, and when one is still owed: pure rules, asked once more when a row is claimed."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from core.times import effective_end
from core.tokens import CHANGE_LIFETIME, SIGN_IN_LIFETIME, VERIFY_LIFETIME

Lane = Literal["prompt", "bulk"]


@dataclass(frozen=True, slots=True)
class Kind:
    """`lane`: prompt for people who wait and for reminders, bulk for the rest. `until`: when it is no longer news."""

    lane: Lane
    until: Literal["start", "end", "grace", "never"]
    states: frozenset[str] = frozenset({"active"})
    """Subscription states that still want it; asked only of rows that belong to a subscription."""
    ignores_switch: bool = False
    """Goes out although the channel is off: it is what switches it on."""
    when_cancelled: bool = False
    daily_limit: Literal["refuses", "counts", "free"] = "free"
    """What the organizer's deliveries of a day mean to it: over the limit it is refused, or counted and sent anyway."""
    reported: bool = True
    """Whether organizers see who gets it: not while an address has not said yes to anything."""
    ignores_suppression: bool = False
    """Goes to an address that is never written to: the person of that address has just asked for it."""
    lifetime: dt.timedelta | None = None
    """How long after it was asked for it is of any use; for mail that is about no event."""


KINDS: dict[str, Kind] = {
    "created": Kind("prompt", "end"),
    "confirm": Kind("prompt", "end", states=frozenset({"unconfirmed", "active"}), ignores_switch=True, reported=False),
    "invitation": Kind("prompt", "end", ignores_switch=True, reported=False),
    "confirm_channel": Kind("prompt", "never", ignores_switch=True, reported=False),
    "welcome": Kind("prompt", "end"),
    "reminder_1day": Kind("prompt", "start"),
    "reminder_1hour": Kind("prompt", "start"),
    "update": Kind("bulk", "end", daily_limit="refuses"),
    "cancelled": Kind("bulk", "end", when_cancelled=True, daily_limit="counts"),
    "message": Kind("bulk", "grace", when_cancelled=True, daily_limit="refuses"),
    "channel_disabled": Kind("prompt", "never"),
    "verify": Kind("prompt", "never", ignores_switch=True, reported=False, lifetime=VERIFY_LIFETIME),
    "sign_in": Kind(
        "prompt", "never", ignores_switch=True, reported=False, ignores_suppression=True, lifetime=SIGN_IN_LIFETIME
    ),
    "change_email": Kind("prompt", "never", ignores_switch=True, reported=False, lifetime=CHANGE_LIFETIME),
    "email_taken": Kind("prompt", "never", ignores_switch=True, reported=False),
    "email_requested": Kind("prompt", "never", ignores_switch=True, reported=False),
    "email_changed": Kind("prompt", "never", ignores_switch=True, reported=False),
    "password_changed": Kind("prompt", "never", ignores_switch=True, reported=False),
}
REPORTED_KINDS = frozenset(name for name, kind in KINDS.items() if kind.reported)
TO_FOLLOWERS = REPORTED_KINDS - {"created"}
"""That one is the organizer's own; counted here it would say that an event without followers had reached somebody."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What the rules ask of the event, if the message is about one."""

    status: str
    start: dt.datetime
    end: dt.datetime | None
    grace: dt.timedelta


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a row: send it, or give it this status with this reason."""

    status: Literal["send", "skipped", "pending"]
    code: str = ""
    reason: str = ""


SEND = Verdict("send")


def still_news(kind: Kind, event: Timing | None, now: dt.datetime) -> Verdict:
    """Whether the message as a whole is worth sending."""
    if event is None:
        return SEND
    if event.status == "cancelled" and not kind.when_cancelled:
        return Verdict("skipped", "event_cancelled", "The event was cancelled.")
    end = effective_end(event.start, event.end)
    limit = {"start": event.start, "end": end, "grace": end + event.grace, "never": None}[kind.until]
    if limit is not None and now >= limit:
        what = "The event had started." if kind.until == "start" else "The event was over."
        return Verdict("skipped", "event_over", what)
    return SEND


def still_useful(kind: Kind, asked_at: dt.datetime, now: dt.datetime) -> Verdict:
    """Whether what the message offers still works when it arrives."""
    if kind.lifetime is not None and now >= asked_at + kind.lifetime:
        return Verdict("skipped", "expired", "Its link had expired.")
    return SEND


def wanted(
    kind: Kind, *, subscription: str | None, has_subscription: bool, active: bool, removed: bool, suppressed: bool,
    off_because: str | None, may_see: bool = True,
) -> Verdict:  # fmt: skip
    """Whether this recipient still wants it and can be reached."""
    if has_subscription and subscription not in kind.states:
        if subscription in {None, "ended"}:
            return Verdict("skipped", "left", "Unsubscribed.")
        return Verdict("skipped", str(subscription), f"The subscription is {subscription}.")
    if has_subscription and not may_see:
        return Verdict("skipped", "no_access", "They can no longer see this event.")
    if suppressed and not kind.ignores_suppression:
        return Verdict("skipped", "suppressed", "This address asked for no more mail.")
    if removed:
        return Verdict("skipped", "channel_removed", "The channel was removed.")
    if not active and not kind.ignores_switch:
        return Verdict("pending", "channel_off", off_because or "The channel is switched off.")
    return SEND
