"""What a worker tells other workers; tests/processes starts the programs."""

import pytest
from celery.apps.worker import Worker

from feishu_portal.celery_programs import WITHOUT_NEIGHBOURS, LoggedWorker


@pytest.fixture
def options_of(monkeypatch):
    """The options that Celery's worker gets of those that ``celery worker`` was started with."""

    def start(**options: object) -> dict[str, object]:
        got: dict[str, object] = {}
        monkeypatch.setattr(Worker, "__init__", lambda _self, **given: got.update(given))
        LoggedWorker(**options)
        return got

    return start


def test_worker_tells_no_other_anything(options_of):
    asked = {
        "without_gossip": False,
        "without_mingle": False,
        "without_heartbeat": False,
        "task_events": None,
    }
    assert options_of(**asked, queues="default") == asked | WITHOUT_NEIGHBOURS | {"queues": "default"}


def test_worker_that_is_watched_by_a_monitor_tells_it_everything(options_of):
    assert options_of(task_events=True) == {"task_events": True}
