"""What a forked child counts arrives at its parent."""

import pytest

from core.metrics.registry import METRICS
from feishu_portal.runtime.metrics import pool, tasks  # noqa: F401 -- declares what is counted here
from feishu_portal.runtime.metrics.pool import PoolMetrics, add, growth, snapshot
from tests.core.metrics.scraping import value
from tests.events.handler_runs import until

FAILURES = "feishu_task_failures_total"
SECONDS = "feishu_handler_seconds"
PASSED = "feishu_last_pass_timestamp_seconds"


def count(task):
    METRICS[FAILURES].labels(task).inc(3)
    METRICS[SECONDS].labels(task).observe(0.3)
    METRICS[SECONDS].labels(task).observe(100)
    METRICS[PASSED].labels(task).set(17)


def counts(task):
    return (
        value(FAILURES, task),
        value(f"{SECONDS}_count", task),
        value(f"{SECONDS}_sum", task),
        value(f"{SECONDS}_bucket", task, "0.5"),
        value(PASSED, task),
    )


def test_growth_added_elsewhere_is_the_same_again():
    count("grown")
    before = snapshot()
    count("grown")
    grown = growth(before, snapshot())
    assert {key[0] for key in grown} == {FAILURES, SECONDS}  # the gauge stands where it stood
    add([(*key, values) for key, values in grown.items()])
    assert counts("grown") == (9, 6, pytest.approx(300.9), 3, 17)


def test_what_a_child_counts_is_added_to_its_parents(monkeypatch):
    monkeypatch.setattr(pool, "SEND_EVERY", 3_600)
    metrics = PoolMetrics()
    metrics.receive()
    metrics._parent = 0  # this process takes the part of the child as well, so what it counts comes twice
    metrics.begin()
    count("child")
    metrics.send()
    metrics.send()  # of which nothing is new but what came from itself
    until(lambda: value(FAILURES, "child") >= 6, "it has arrived")
    until(lambda: value(f"{SECONDS}_bucket", "child", "0.5") >= 2, "all of it has arrived")


def test_parent_sends_itself_nothing():
    metrics = PoolMetrics()
    count("parent")
    metrics.begin()
    metrics.send()
    metrics._here.setblocking(False)
    with pytest.raises(BlockingIOError):
        metrics._here.recv(1)
    metrics.close()
