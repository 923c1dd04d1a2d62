"""What the site counts: requests by route and status, and how long they took."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from core.metrics import labels

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10)
NO_ROUTE = "(none)"


class RequestMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "soonish_requests", "Requests answered.", ("route", "method", "status"), registry=registry
        )
        self._seconds = Histogram(
            "soonish_request_seconds",
            "From a request's head until its answer was sent.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )

    def answered(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """`route` is the application's template, such as `/u/{token}`, never the address that was asked for."""
        route = route or NO_ROUTE
        self._requests.labels(route, labels.method(method), str(status)).inc()
        self._seconds.labels(route).observe(seconds)
