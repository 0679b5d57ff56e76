"""Metrics that the database knows: read when somebody asks, at most every ``LIFE`` seconds, each within a time limit.

Every process can give them, and all give the same: one kind of process is enough to be scraped for them.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeAlias

from django.db import Error, InterfaceError, OperationalError, connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.database.connections import close_own, limit_waiting
from core.database.errors import described
from core.log_pace import LogPace
from core.metrics.registry import FORK_LOCK, REGISTRY, Declaration, counter, declare, gauge
from feishu.text import Text

logger = logging.getLogger(__name__)

LIFE: Final = 15.0
"""Seconds for which figures are given again without asking the database."""
PATIENCE: Final = 2.0
"""Seconds that a scrape waits for new figures; then it takes the old ones, and the next one finds the new."""
STALE: Final = 60.0
"""Seconds after which a scrape rather goes without figures than with old ones."""
STATEMENT_SECONDS: Final = 1.5
"""What one statement may take."""
MOST: Final = 10_000
"""What is counted no further: a gauge that stands here stands for more."""

Figures: TypeAlias = Mapping[tuple[str, ...], float]
"""By the values of the labels."""


def alone(figure: float) -> Figures:
    """Of a gauge without labels."""
    return {(): figure}


def by_label(figures: Mapping[str, float]) -> Figures:
    """Of a gauge with one label, by its values."""
    return {(value,): figure for value, figure in figures.items()}


_failures = counter(
    "feishu_database_figures_failures_total",
    Text(
        "未能从数据库读取的指标次数，按指标。", "Figures that could not be read from the database, by metric."
    ),
    "metric",
)
_read_at = gauge(
    "feishu_database_figures_timestamp_seconds",
    Text("最近一次从数据库读取全部指标的时间。", "When all figures were last read from the database."),
)
_up = gauge(
    "feishu_database_up",
    Text(
        "本进程能否访问数据库：1 为能，0 为不能；首次抓取前为 0。",
        "Whether this process reaches the database: 1 or 0; 0 before the first scrape.",
    ),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """Gauges and how they are read together: the figures of each, in their order."""

    declarations: tuple[Declaration, ...]
    read: Callable[[], Sequence[Figures]]


_facts: list[Fact] = []


def database_gauge(name: str, help_text: Text, *labels: str) -> Declaration:
    """Declare a gauge that the database knows; ``read_together`` says how it is read."""
    declaration = Declaration(name, "gauge", labels, help_text, is_read=True)
    declare(declaration)
    return declaration


def read_together(*declarations: Declaration, read: Callable[[], Sequence[Figures]]) -> None:
    """``read`` gets the figures of these gauges, in their order, from the database: in few queries, each bounded."""
    _facts.append(Fact(declarations, read))


class DatabaseFigures(Collector):
    """The collector. A trouble of the database costs its figures, never the scrape."""

    def __init__(self, facts: Iterable[Fact], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._facts = facts
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metrics-db")
        self._lock = threading.Lock()
        self._reading: Future[None] | None = None
        self._read_until = float("-inf")
        self._families: list[GaugeMetricFamily] = []
        self._pace = LogPace[str]()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return self._families

    def refresh(self, *, seconds: float = PATIENCE) -> None:
        """Read new figures where the old ones are past their life, and wait for them at most so long."""
        with self._lock:
            reading = self._reading
            if reading is None or reading.done():
                if self._clock() < self._read_until:
                    return
                reading = self._reading = self._thread.submit(self._read)
        try:
            reading.result(timeout=seconds)
        except TimeoutError:
            if self._clock() - self._read_until > STALE - LIFE:
                self._families = []
                _note_reached(is_reached=False)

    def _read(self) -> None:
        families: list[GaugeMetricFamily] = []
        has_failed, is_reached = False, True
        try:
            limit_waiting(STATEMENT_SECONDS)
            for fact in self._facts:
                try:
                    families += _families_of(fact)
                except Error as error:
                    has_failed = True
                    self._note_failure(fact, error)
                    if isinstance(error, InterfaceError | OperationalError) and not connection.is_usable():
                        is_reached = False
                        break  # no use in asking a server that is away for the next one
        finally:
            close_own()
            self._families = families
            self._read_until = self._clock() + LIFE
        _note_reached(is_reached=is_reached)
        if not has_failed:
            with FORK_LOCK:
                _read_at.set_to_current_time()

    def _note_failure(self, fact: Fact, error: Error) -> None:
        with FORK_LOCK:
            for declaration in fact.declarations:
                _failures.labels(declaration.name).inc()
        name = fact.declarations[0].name
        if (unlogged := self._pace.admits(name)) is not None:
            logger.warning(
                "metric_not_read", extra={"metric": name, "more_unlogged": unlogged, **described(error)}
            )


def _note_reached(*, is_reached: bool) -> None:
    with FORK_LOCK:
        _up.set(is_reached)


def _families_of(fact: Fact) -> Iterator[GaugeMetricFamily]:
    for declaration, figures in zip(fact.declarations, fact.read(), strict=True):
        family = GaugeMetricFamily(declaration.name, declaration.help.en_us, labels=declaration.labels)
        for values, figure in figures.items():
            family.add_metric(values, figure)
        yield family


FIGURES: Final = DatabaseFigures(_facts)
REGISTRY.register(FIGURES)
