"""A role's metrics as Prometheus reads them, and who may."""

import hmac
import ipaddress
import math
from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, ProcessCollector, generate_latest

from core.metrics.backlog import BacklogGauge
from core.notifications.kinds import KINDS
from core.operations.gauge import Gauge as TemporalGauge
from core.settings import Settings

MEDIA_TYPE = CONTENT_TYPE_LATEST
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class MetricsPage:
    """`text` asks the database and Temporal, each at most every few seconds; every role says the same of them, so that
    it is known whichever role is gone."""

    def __init__(self, backlog: BacklogGauge, temporal: TemporalGauge) -> None:
        self.registry = CollectorRegistry()
        self._backlog = backlog
        self._temporal = temporal
        ProcessCollector(registry=self.registry)
        self._age = self._gauge(
            "soonish_queue_age_seconds", "How long the oldest undelivered row has been due.", "lane"
        )
        self._depth = self._gauge("soonish_queue_depth", "Deliveries that are not settled.", "kind", "lane")
        self._bells = self._gauge("soonish_outbox_waiting", "Changes whose bell was not rung yet.")
        self._bell_age = self._gauge("soonish_outbox_age_seconds", "How long the oldest of them has waited.")
        self._paused = self._gauge("soonish_sending_paused", "1 while the operator has stopped all sending.")
        self._database_up = self._gauge("soonish_database_up", "Whether the database answered just now.")
        self._temporal_up = self._gauge("soonish_temporal_up", "Whether Temporal answered a few seconds ago.")

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(name, what, labels, registry=self.registry)

    async def text(self) -> bytes:
        await self._ask_database()
        seen = await self._temporal.look()
        self._temporal_up.set(seen.reachable)
        return generate_latest(self.registry)

    async def _ask_database(self) -> None:
        found = await self._backlog.look()
        self._database_up.set(found is not None)
        for lane in ("prompt", "bulk"):
            self._age.labels(lane).set(found.ages[lane].total_seconds() if found else math.nan)
        for kind, rules in KINDS.items():
            self._depth.labels(kind, rules.lane).set(found.depths[kind] if found else math.nan)
        self._bells.set(found.unrelayed if found else math.nan)
        self._bell_age.set(found.unrelayed_for.total_seconds() if found else math.nan)
        self._paused.set(found.paused if found else math.nan)


def may_read(settings: Settings, peer: str | None, headers: Mapping[str, str]) -> bool:
    """With METRICS_TOKEN whoever has it. Without one nobody in production, and in development who connects from this
    machine itself: behind a proxy on the same machine everybody seems to."""
    if settings.metrics_token is not None:
        return has_token(settings, headers.get("authorization", ""))
    if settings.production or any(name in headers for name in _FORWARDED):
        return False
    return is_loopback(peer or "")


def has_token(settings: Settings, authorization: str) -> bool:
    """Whether it is METRICS_TOKEN's bearer. Where there is none, everybody is."""
    if settings.metrics_token is None:
        return True
    scheme, _, given = authorization.partition(" ")
    wanted = settings.metrics_token.get_secret_value()
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), wanted.encode())


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
