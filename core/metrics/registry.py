"""The registry of this process, and the declaration of every metric, which docs/reference/metrics.md is made of."""

import os
import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest

from feishu.text import Text

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of buckets for what takes milliseconds to a minute."""
WAITS: Final = (0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0, 28_800.0)
"""Upper bounds of buckets for what waits, through an outage as well."""

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)


class Histogram(prometheus_client.Histogram):
    """A histogram that takes the observations of a batch at once."""

    def observe_all(self, amounts: Iterable[float]) -> None:
        counts = [0] * len(self._upper_bounds)
        total = 0.0
        for amount in amounts:
            counts[bisect_left(self._upper_bounds, amount)] += 1
            total += amount
        self.add(counts, total)

    def add(self, counts: Sequence[float], total: float) -> None:
        """Add observations that were counted elsewhere: ``counts`` of each bucket for itself, their ``total`` in seconds."""
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        self._sum.inc(total)


Metric = prometheus_client.Counter | prometheus_client.Gauge | Histogram


@dataclass(frozen=True, slots=True)
class Declaration:
    """What docs/reference/metrics.md says of a metric. ``is_read``: from the database, so every process gives the same figures."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: Text
    is_read: bool = False


DECLARATIONS: Final[dict[str, Declaration]] = {}
METRICS: Final[dict[str, Metric]] = {}
"""What this process counts itself, by the name in its declaration."""


def declare(declaration: Declaration) -> None:
    """Raises ValueError for a name that is taken."""
    if declaration.name in DECLARATIONS:
        raise ValueError(f"two metrics are called {declaration.name}")
    DECLARATIONS[declaration.name] = declaration


def counter(name: str, help_text: Text, *labels: str) -> prometheus_client.Counter:
    """``name`` as it is scraped, with ``_total``."""
    declare(Declaration(name, "counter", labels, help_text))
    metric = prometheus_client.Counter(name, help_text.en_us, labels, registry=REGISTRY)
    METRICS[name] = metric
    return metric


def gauge(name: str, help_text: Text, *labels: str) -> prometheus_client.Gauge:
    declare(Declaration(name, "gauge", labels, help_text))
    metric = prometheus_client.Gauge(name, help_text.en_us, labels, registry=REGISTRY)
    METRICS[name] = metric
    return metric


def histogram(name: str, help_text: Text, *labels: str, buckets: Sequence[float] = SECONDS) -> Histogram:
    declare(Declaration(name, "histogram", labels, help_text))
    metric = Histogram(name, help_text.en_us, labels, registry=REGISTRY, buckets=buckets)
    METRICS[name] = metric
    return metric


FORK_LOCK: Final = threading.RLock()
"""Held by whoever reads or adds to many metrics on a thread of a process that forks: a child forked while the lock of a
metric is taken would find it taken for ever."""
os.register_at_fork(
    before=FORK_LOCK.acquire, after_in_parent=FORK_LOCK.release, after_in_child=FORK_LOCK.release
)


def exposition() -> bytes:
    """All metrics of this process in the text format of Prometheus."""
    with FORK_LOCK:
        return generate_latest(REGISTRY)
