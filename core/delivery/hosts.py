"""Fairness between hosts: none may take more than half the window, and one in trouble is left alone for a while."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from core.delivery.message import Outcome

FAULTS_TO_OPEN = 5
ASKED_TO_PAUSE = 10
MAX_PAUSE_SECONDS = 60.0
OPEN_SECONDS = 30.0
MAX_OPEN_SECONDS = 600.0
PATIENCE_SECONDS = 1.0
"""How long a full host may go without finishing anything before others stop waiting for it."""
BUSY_RETRY_SECONDS = 5.0
PROBE_RETRY_SECONDS = 5.0
FORGET_SECONDS = 900.0
SWEEP_EVERY = 1000

# Outcomes that say nothing about the host: nothing was tried, or it failed on our side.
SILENT = frozenset(
    {"breaker_open", "host_paused", "host_busy", "blocked", "unreadable", "error", "render", "key_missing"}
)


@dataclass(slots=True)
class _Host:
    progress: float
    """When it last finished something, or became busy."""
    active: int = 0
    faults: int = 0
    open_for: float = 0.0
    """Length of the breaker's present or last opening; 0 while it is closed."""
    open_until: float = 0.0
    paused_until: float = 0.0
    asked: int = 0
    """Answers in a row that asked to wait."""
    probing: bool = False


@dataclass(slots=True)
class Gate:
    """Go ahead when `deferral` is None, and `leave` afterwards; otherwise this is the outcome."""

    deferral: Outcome | None = None
    probe: bool = False


class Hosts:
    """Caps, breakers and pauses by host key, for one event loop. Nothing here awaits."""

    def __init__(self, window: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._cap = max(1, window // 2)
        self._clock = clock
        self._hosts: dict[str, _Host] = {}
        self._until_sweep = SWEEP_EVERY

    def enter(self, host: str) -> Gate | None:
        """A place at the host, or the reason why not now; None while it is full and still making progress."""
        entry = self._entry(host)
        now = self._clock()
        deferral = _refusal(entry, now)
        if deferral is not None:
            return Gate(deferral)
        if entry.active < self._cap:
            return _admit(entry, now)
        if now - entry.progress >= PATIENCE_SECONDS:
            return Gate(_deferred("host_busy", "The server is slow; it is tried again shortly.", BUSY_RETRY_SECONDS))
        return None

    def trouble(self, host: str) -> Outcome | None:
        """Why not now, for whoever takes no place: somebody with few requests would find none while many are sent."""
        entry = self._hosts.get(host)
        return _refusal(entry, self._clock()) if entry is not None else None

    def leave(self, host: str, gate: Gate) -> None:
        """Give back the place that `enter` gave."""
        entry = self._entry(host)
        entry.active -= 1
        entry.progress = self._clock()
        if gate.probe:
            entry.probing = False
        self._drop_if_idle(host, entry)

    def record(self, host: str, outcome: Outcome) -> None:
        """Called with what became of a send, before its place is left. A refusal, of whatever, is a sign of life."""
        if outcome.code in SILENT:
            return
        entry = self._entry(host)
        now = self._clock()
        self._slow_down(entry, outcome, now)
        if outcome.host_fault:
            self._fault(entry, now)
        else:
            entry.faults, entry.open_for, entry.open_until = 0, 0.0, 0.0
        self._drop_if_idle(host, entry)

    def _slow_down(self, entry: _Host, outcome: Outcome, now: float) -> None:
        """One address that asks to wait waits alone: it may be anybody's. A host is paused when it says so itself, or
        when so many in a row ask that it must be the host; and never for long, because reminders wait with the rest."""
        entry.asked = entry.asked + 1 if outcome.deferred else 0
        if outcome.retry_after is not None and (outcome.host_wide or entry.asked >= ASKED_TO_PAUSE):
            entry.paused_until = max(entry.paused_until, now + min(outcome.retry_after, MAX_PAUSE_SECONDS))
            entry.asked = 0

    def _fault(self, entry: _Host, now: float) -> None:
        """Faults that were under way when the breaker opened do not count again."""
        if now < entry.open_until:
            return
        entry.faults += 1
        if entry.open_for or entry.faults >= FAULTS_TO_OPEN:
            entry.open_for = min(2 * entry.open_for, MAX_OPEN_SECONDS) or OPEN_SECONDS
            entry.open_until = now + entry.open_for

    def states(self) -> dict[str, str]:
        """Each host that is in use or in trouble: `closed`, `open`, `half_open` or `paused`."""
        now = self._clock()
        return {key: _state(entry, now) for key, entry in self._hosts.items()}

    def _entry(self, key: str) -> _Host:
        entry = self._hosts.get(key)
        if entry is None:
            self._sweep_sometimes()
            entry = self._hosts[key] = _Host(progress=self._clock())
        return entry

    def _drop_if_idle(self, key: str, entry: _Host) -> None:
        if not (entry.active or entry.faults or entry.asked or entry.open_for) and entry.paused_until <= self._clock():
            self._hosts.pop(key, None)

    def _sweep_sometimes(self) -> None:
        """Forgets hosts that had trouble once and were never written to again."""
        self._until_sweep -= 1
        if self._until_sweep > 0:
            return
        self._until_sweep = max(SWEEP_EVERY, len(self._hosts))
        now = self._clock()
        stale = [key for key, entry in self._hosts.items() if not entry.active and _forgettable(entry, now)]
        for key in stale:
            del self._hosts[key]


def _forgettable(entry: _Host, now: float) -> bool:
    return max(entry.progress, entry.open_until, entry.paused_until) + FORGET_SECONDS < now


def _refusal(entry: _Host, now: float) -> Outcome | None:
    if now < entry.paused_until:
        return _deferred("host_paused", "The server asked for a pause.", entry.paused_until - now)
    if now < entry.open_until:
        return _deferred("breaker_open", "The server is in trouble; it is tried again later.", entry.open_until - now)
    if entry.probing:
        return _deferred(
            "breaker_open", "The server was in trouble; one message is trying it out.", PROBE_RETRY_SECONDS
        )
    return None


def _deferred(code: str, reason: str, wait: float) -> Outcome:
    return Outcome(False, code, reason, retry_after=wait, deferred=True)


def _admit(entry: _Host, now: float) -> Gate:
    if not entry.active:
        entry.progress = now
    entry.active += 1
    entry.probing = entry.open_for > 0
    return Gate(probe=entry.probing)


def _state(entry: _Host, now: float) -> str:
    if now < entry.open_until:
        return "open"
    if entry.open_for:
        return "half_open"
    return "paused" if now < entry.paused_until else "closed"
