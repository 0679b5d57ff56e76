import threading

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from core.metrics import registry
from core.metrics.registry import Declaration, Histogram, declare
from feishu.text import Text
from tests.services.processes import PATIENCE


def test_histogram_takes_a_batch_as_it_takes_one_after_the_other():
    amounts = [0.0, 0.1, 0.2, 0.5, 1.0, 7.0]
    texts = []
    for take in ("batch", "each"):
        own = CollectorRegistry()
        made = Histogram("seconds", "Help", registry=own, buckets=(0.1, 0.5, 1.0))
        if take == "batch":
            made.observe_all(amounts)
        else:
            for amount in amounts:
                made.observe(amount)
        texts.append(generate_latest(own))
    assert texts[0] == texts[1]


def test_name_is_given_once():
    taken = next(iter(registry.DECLARATIONS))
    with pytest.raises(ValueError, match=taken):
        declare(Declaration(taken, "gauge", (), Text("", "")))


def test_exposition_waits_for_a_fork():
    scraped = threading.Event()
    with registry.FORK_LOCK:
        threading.Thread(target=lambda: (registry.exposition(), scraped.set()), daemon=True).start()
        assert not scraped.wait(0.05)
    assert scraped.wait(PATIENCE)
