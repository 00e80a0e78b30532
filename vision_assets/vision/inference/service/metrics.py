"""What /metrics counts: requests by route, status and consumer, their time, those in flight.

Labels are bounded: a path that is no route is counted as `other`, so that nobody can make
the service remember what it was asked.
"""

from collections.abc import Iterable
from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
_OTHER = "other"
_BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)

_REQUESTS = Counter(
    "vision_assets_requests", "Requests that were answered.", ("route", "status", "consumer")
)
_SECONDS = Histogram(
    "vision_assets_request_seconds", "From request to answer.", ("route",), buckets=_BUCKETS_S
)


class Meter:
    """Counts the requests of one worker.

    Args:
        routes: the paths that are counted by name.
    """

    def __init__(self, routes: Iterable[str]) -> None:
        self._routes = frozenset(routes)

    def count(self, path: str, status: int, consumer: str, seconds: float) -> None:
        """Count one request that was answered."""
        route = path if path in self._routes else _OTHER
        _requests(route, status, consumer).inc()
        _seconds(route).observe(seconds)


def exposition() -> bytes:
    """The figures of all workers, in the text format of Prometheus."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)


@cache
def _requests(route: str, status: int, consumer: str) -> Counter:
    return _REQUESTS.labels(route, status, consumer)


@cache
def _seconds(route: str) -> Histogram:
    return _SECONDS.labels(route)
