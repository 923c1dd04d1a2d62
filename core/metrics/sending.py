"""What the worker counts as it happens: bells rung, deliveries and what became of them, and how late they were."""

import datetime as dt
from collections import Counter as Tally
from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from core.metrics import labels

_WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_LATENESS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600)
_LAGS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 600)
_TROUBLES = ("open", "half_open", "paused")


class SendingMetrics:
    """One per worker. Counted for each batch of outcomes, so that a delivery costs little more than its histogram."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._deliveries = Counter(
            "soonish_deliveries",
            "What became of deliveries. outcome: delivered; retried and deferred are tried again; dead; skipped;"
            " pending waits for its channel.",
            ("kind", "outcome", "code"),
            registry=registry,
        )
        self._channels = Counter(
            "soonish_channel_deliveries",
            "The same by the service they went to.",
            ("channel", "outcome"),
            registry=registry,
        )
        self._waits = Histogram(
            "soonish_delivery_seconds",
            "From when a delivery was due until it had arrived, every wait between attempts included.",
            ("lane",),
            buckets=_WAITS,
            registry=registry,
        )
        self._lateness = Histogram(
            "soonish_reminder_lateness_seconds",
            "How long after its promised instant a reminder had arrived.",
            ("kind",),
            buckets=_LATENESS,
            registry=registry,
        )
        self._hosts = Gauge(
            "soonish_troubled_hosts",
            "Far ends whose breaker is open or half open, or that asked for a pause.",
            ("state",),
            registry=registry,
        )
        self._in_flight = Gauge("soonish_sends_in_flight", "Sends under way in this worker.", registry=registry)

    def passed_over(self, kind: str, verdicts: Mapping[tuple[str, str], int]) -> None:
        """Rows that a claim found no longer owed, or whose channel is off: how many by (status, code)."""
        for (status, code), number in verdicts.items():
            self._deliveries.labels(labels.kind(kind), status, labels.code(code)).inc(number)

    def became(self, tally: Tally[tuple[str, str, str, str]]) -> None:
        """How many by (kind, channel, outcome, code)."""
        for (kind, channel, outcome, code), number in tally.items():
            self._deliveries.labels(labels.kind(kind), outcome, labels.code(code)).inc(number)
            self._channels.labels(channel, outcome).inc(number)

    def arrived(self, lane: str, waited: dt.timedelta) -> None:
        self._waits.labels(lane).observe(max(0.0, waited.total_seconds()))

    def reminded(self, kind: str, late: dt.timedelta) -> None:
        self._lateness.labels(labels.kind(kind)).observe(max(0.0, late.total_seconds()))

    def watch(self, hosts: Callable[[], Mapping[str, str]], in_flight: Callable[[], int]) -> None:
        """Asked at each scrape: the state of every host in trouble, and how many sends are under way."""
        for state in _TROUBLES:
            self._hosts.labels(state).set_function(partial(_count, hosts, state))
        self._in_flight.set_function(in_flight)


def _count(hosts: Callable[[], Mapping[str, str]], state: str) -> int:
    return sum(found == state for found in hosts().values())


class RelayMetrics:
    """One per worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._rung = Counter("soonish_signals", "Bells that the relay rang.", ("signal",), registry=registry)
        self._lag = Histogram(
            "soonish_relay_lag_seconds",
            "From the commit of a change until its bell was rung.",
            buckets=_LAGS,
            registry=registry,
        )
        self._failures = Counter("soonish_relay_failures", "Rounds of the relay that failed.", registry=registry)
        self._swept = Counter(
            "soonish_swept", "What the sweeper rang for, because it was owed and did not move.", registry=registry
        )

    def rung(self, signal: str, waited: list[dt.timedelta]) -> None:
        """`signal` is one of the contracts' names. One ring, for as many changes as waited."""
        self._rung.labels(signal).inc()
        for each in waited:
            self._lag.observe(max(0.0, each.total_seconds()))

    def failed(self) -> None:
        self._failures.inc()

    def swept(self, count: int) -> None:
        self._swept.inc(count)
