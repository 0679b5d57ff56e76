"""What a worker tells other workers, and how it loses Redis; tests/processes starts the programs."""

import kombu
import pytest
import redis.exceptions
from celery.apps.worker import Worker

from feishu_portal.celery import app
from feishu_portal.celery_programs import WITHOUT_NEIGHBOURS, LastingConsumer, LoggedWorker


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


class Lost(kombu.Connection):
    """A connection that cannot be closed."""

    def release(self) -> None:
        raise AttributeError("'NoneType' object has no attribute 'hostname'")

    close = release


def consumer_with(connection: kombu.Connection) -> LastingConsumer:
    consumer = object.__new__(LastingConsumer)
    consumer.app = app
    consumer.connection = connection
    return consumer


def test_workers_consume_with_the_consumer_that_lasts():
    assert app.conf.worker_consumer == f"{LastingConsumer.__module__}:{LastingConsumer.__name__}"


def test_connection_that_cannot_be_closed_once_redis_is_away_does_not_end_the_worker(caplog):
    consumer = consumer_with(Lost("memory://localhost/"))
    consumer.on_connection_error_after_connected(redis.exceptions.ConnectionError("Connection refused"))
    assert consumer.connection is None
    assert "broker_connection_not_closed" in caplog.messages


def test_fault_before_the_connection_was_given_up_is_no_lost_connection(monkeypatch):
    def fail(*_arguments: object, **_options: object) -> None:
        raise AttributeError("another")

    consumer = consumer_with(kombu.Connection("memory://localhost/"))
    monkeypatch.setattr("celery.worker.consumer.consumer.warn", fail)
    with pytest.raises(AttributeError, match="another"):
        consumer.on_connection_error_after_connected(redis.exceptions.ConnectionError("Connection refused"))
