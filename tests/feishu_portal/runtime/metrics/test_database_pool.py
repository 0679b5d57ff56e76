from types import SimpleNamespace

from feishu_portal.runtime.metrics import database_pool
from tests.core.metrics.scraping import value


def test_connections_in_use_and_threads_that_wait_are_added_up(monkeypatch):
    stats = (
        {"pool_size": 20, "pool_available": 0, "requests_waiting": 3},
        {"pool_size": 4, "pool_available": 3, "requests_waiting": 0},
    )
    pools = [SimpleNamespace(get_stats=lambda said=said: said) for said in stats]
    monkeypatch.setattr(database_pool, "pools", lambda: pools)
    assert value("feishu_database_pool", "used") == 21
    assert value("feishu_database_pool", "waiting") == 3


def test_process_without_a_pool_says_so(monkeypatch):
    monkeypatch.setattr(database_pool, "pools", list)
    assert value("feishu_database_pool", "used") == value("feishu_database_pool", "waiting") == 0
