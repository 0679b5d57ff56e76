import threading
import time

import pytest
from django.db import OperationalError, connection

from bots.models import Bot
from core.database import pooling
from core.database.pooling import PooledConnection, keep_own, pools

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("postgres")]


def on_thread(work):
    """Runs it on a thread of its own; what it returned or raised."""
    results = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 -- handed to the test
            results.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=120)
    [result] = results
    return result


def pooled(work, *, most: int):
    def run():
        own = PooledConnection(most)
        try:
            return work(own)
        finally:
            connection.close()
            own.leave()

    return on_thread(run)


def test_thread_beyond_the_pool_waits_and_says_how_long(monkeypatch):
    monkeypatch.setattr(pooling, "WAIT_SECONDS", 0.2)

    def wait(own) -> float:
        with pytest.raises(OperationalError):
            Bot.objects.count()
        return own.waited

    def work(_own):
        Bot.objects.count()
        return pooled(wait, most=1)

    assert pooled(work, most=1) >= 0.2


def test_connection_of_a_thread_that_hangs_is_made_up_for(monkeypatch):
    monkeypatch.setattr(pooling, "WAIT_SECONDS", 5.0)

    def work(own):
        Bot.objects.count()
        own.replace()
        own.replace()
        return pooled(lambda _other: Bot.objects.count(), most=1)

    assert pooled(work, most=1) == 0


def test_pool_is_closed_with_the_last_thread():
    def is_open(_own) -> bool:
        Bot.objects.count()
        return bool(pooling._pools)

    assert pooled(is_open, most=2)
    assert not pooling._pools


def test_pools_of_the_process_say_how_busy_they_are():
    def work(_own) -> dict[str, int]:
        Bot.objects.count()
        [pool] = pools()
        return pool.get_stats()

    stats = pooled(work, most=2)
    assert (stats["pool_size"] - stats["pool_available"], stats["requests_waiting"]) == (1, 0)


def test_other_threads_share_nothing():
    def work(_own):
        Bot.objects.count()
        started = time.monotonic()
        on_thread(Bot.objects.count)
        return time.monotonic() - started

    assert pooled(work, most=1) < pooling.WAIT_SECONDS


def test_thread_keeps_its_own_connection_where_the_process_has_a_pool(monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", {"min_size": 0, "max_size": 1})

    def work() -> bool:
        keep_own()
        Bot.objects.count()
        return connection.pool is None

    assert on_thread(work) is True
