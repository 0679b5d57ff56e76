"""The connection of a thread that runs tasks; tests/processes has the rest, for only a real process shows it."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.db import connection

from feishu_portal.runtime import celery_process

pytestmark = pytest.mark.django_db(transaction=True)


def settle(*, is_eager: bool = False) -> None:
    celery_process.settle_connection(SimpleNamespace(request=SimpleNamespace(is_eager=is_eager)))


def is_open_after_a_task(*, is_eager: bool = False) -> bool:
    """On a thread of its own, as the threads of a pool are."""

    def work() -> bool:
        try:
            settle(is_eager=is_eager)
            connection.ensure_connection()
            settle(is_eager=is_eager)
            return connection.connection is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


@pytest.fixture(autouse=True)
def not_pooled(monkeypatch):
    options = {name: value for name, value in connection.settings_dict["OPTIONS"].items() if name != "pool"}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)


@pytest.mark.parametrize("keeps", [True, False])
def test_connection_is_kept_from_one_task_to_the_next_where_threads_are_few(monkeypatch, keeps):
    monkeypatch.setattr(celery_process, "_keeps_connections", keeps)
    assert is_open_after_a_task() is keeps


def test_task_that_runs_within_other_work_leaves_its_connection_alone():
    assert is_open_after_a_task(is_eager=True)
