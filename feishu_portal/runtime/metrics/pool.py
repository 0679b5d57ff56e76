"""Metrics of a prefork worker's children, added to those of the parent, which alone is scraped.

A child sends what its metrics grew by, every ``SEND_EVERY`` seconds and when it ends, through a socket that it inherited. One
that is killed takes its last seconds with it. Nothing is written to disk, and a child that is replaced leaves no series
behind. In the other pools of Celery all threads belong to the one process, and there is nothing to send.
"""

import logging
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec
from prometheus_client import Counter, Gauge

from core.metrics.registry import DECLARATIONS, FORK_LOCK, METRICS, Histogram

logger = logging.getLogger(__name__)

SEND_EVERY: Final = 5.0
"""Seconds."""
SEND_SECONDS: Final = 2.0
"""What a parent that reads nothing may hold a child up for, on a thread of its own."""
TOGETHER: Final = 50
"""Series in one datagram, which stays well below what a socket takes."""
MAX_DATAGRAM: Final = 1 << 18

Key: TypeAlias = tuple[str, tuple[str, ...]]
"""The name of a metric and the values of its labels."""
Values: TypeAlias = tuple[float, ...]
"""Of a counter or a gauge one; of a histogram the count of each bucket for itself, then the sum."""
Entry: TypeAlias = tuple[str, tuple[str, ...], Values]

_decoder = msgspec.msgpack.Decoder(list[Entry])


def snapshot() -> dict[Key, Values]:
    """All series that this process counts itself."""
    return {key: values for name in METRICS for key, values in _series(name)}


def _series(name: str) -> Iterator[tuple[Key, Values]]:
    metric, labels = METRICS[name], DECLARATIONS[name].labels
    # Of a histogram each series is its buckets, whose counts add up, then the count, then the sum.
    buckets: list[float] = []
    for family in metric.collect():
        for sample in family.samples:
            key = (name, tuple(sample.labels[label] for label in labels))
            if not isinstance(metric, Histogram):
                yield key, (sample.value,)
            elif sample.name.endswith("_bucket"):
                buckets.append(sample.value)
            elif sample.name.endswith("_sum"):
                counts = [high - low for low, high in zip([0.0, *buckets], buckets, strict=False)]
                yield key, (*counts, sample.value)
                buckets = []


def growth(before: Mapping[Key, Values], now: Mapping[Key, Values]) -> dict[Key, Values]:
    """What is new since ``before``: of counters and histograms the difference, of gauges the value."""
    grown: dict[Key, Values] = {}
    for key, values in now.items():
        earlier = before.get(key, (0.0,) * len(values))
        if values == earlier:
            continue
        if isinstance(METRICS[key[0]], Gauge):
            grown[key] = values
        else:
            grown[key] = tuple(new - old for new, old in zip(values, earlier, strict=True))
    return grown


def add(entries: Sequence[Entry]) -> None:
    """Add what another process counted to the metrics of this one."""
    for name, labels, values in entries:
        metric = METRICS[name]
        series = metric.labels(*labels) if labels else metric
        if isinstance(series, Histogram):
            series.add(values[:-1], values[-1])
        elif isinstance(series, Counter):
            series.inc(values[0])
        else:
            series.set(values[0])


class PoolMetrics:
    """Made by the parent before it forks; ``receive`` is for the parent, the rest for a child."""

    def __init__(self) -> None:
        self._parent = os.getpid()
        self._here, self._there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._there.settimeout(SEND_SECONDS)
        self._sent: dict[Key, Values] = {}
        self._sending = threading.Lock()

    def receive(self) -> None:
        """Add what children send, on a thread, for as long as the process lives."""
        threading.Thread(target=self._receive, name="pool-metrics", daemon=True).start()

    def _receive(self) -> None:
        while True:
            try:
                entries = _decoder.decode(self._here.recv(MAX_DATAGRAM))
                with FORK_LOCK:
                    add(entries)
            except OSError:
                return
            except Exception:
                logger.exception("pool_metrics_not_added")

    def begin(self) -> None:
        """In a child that has just been forked: from now on send what it counts."""
        if os.getpid() == self._parent:
            return
        self._sending = threading.Lock()  # another thread of the parent may have held it
        self._sent = snapshot()
        threading.Thread(target=self._send_regularly, name="pool-metrics", daemon=True).start()

    def _send_regularly(self) -> None:
        pause = threading.Event()
        while not pause.wait(SEND_EVERY):
            self.send()

    def send(self) -> None:
        """Send what is new; what does not get through is sent the next time."""
        if os.getpid() == self._parent:
            return
        with self._sending:
            now = snapshot()
            grown = list(growth(self._sent, now).items())
            for start in range(0, len(grown), TOGETHER):
                part = grown[start : start + TOGETHER]
                try:
                    self._there.send(msgspec.msgpack.encode([(*key, values) for key, values in part]))
                except OSError:  # also where the parent is gone, which ends this process soon
                    return
                self._sent |= {key: now[key] for key, _values in part}

    def close(self) -> None:
        self._here.close()
        self._there.close()
