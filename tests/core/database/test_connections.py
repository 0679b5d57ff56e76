"""What a thread says of its statements holds for whichever connection it gets, and for no other thread."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, close_old_connections, connection, transaction

from core.database.connections import give_back, keep_open, limit_waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("postgres")]


@pytest.fixture(autouse=True)
def no_limit_is_left():
    yield
    limit_waiting(0)


def limit_of_session() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        [value] = cursor.fetchone()
        return value


def in_another_thread(function):
    def closing():
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(closing).result()


def test_statement_that_takes_too_long_is_ended():
    limit_waiting(0.1)
    with pytest.raises(OperationalError, match="statement timeout"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")


def test_next_connection_of_the_thread_has_the_limit_too():
    limit_waiting(0.1)
    connection.close()
    assert limit_of_session() == "100ms"


def test_other_threads_have_none():
    limit_waiting(0.1)
    assert in_another_thread(limit_of_session) == "0"


def test_limit_can_be_lifted():
    limit_waiting(0.1)
    limit_waiting(0)
    assert limit_of_session() == "0"


def test_session_is_told_once(django_assert_num_queries):
    limit_waiting(0.1)
    with django_assert_num_queries(0):
        limit_waiting(0.1)


def test_limit_said_within_a_transaction_is_not_taken_for_the_sessions_own():
    with pytest.raises(ValueError), transaction.atomic():
        limit_waiting(0.1)
        assert limit_of_session() == "100ms"
        raise ValueError
    assert limit_of_session() == "0"
    limit_waiting(0.1)
    assert limit_of_session() == "100ms"


@pytest.fixture
def without_pool(monkeypatch):
    options = {name: value for name, value in connection.settings_dict["OPTIONS"].items() if name != "pool"}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)


def test_connection_without_a_pool_is_kept_for_the_next_query(without_pool):
    limit_of_session()
    give_back()
    assert connection.connection is not None


def test_connection_is_closed_before_a_long_wait(without_pool):
    limit_of_session()
    give_back(before_waiting=True)
    assert connection.connection is None


def test_open_transaction_keeps_its_connection(without_pool):
    with transaction.atomic():
        limit_of_session()
        give_back(before_waiting=True)
        assert connection.connection is not None


def session() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [value] = cursor.fetchone()
        return value


def end_session(process: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [process])


def test_connection_that_is_kept_open_serves_the_next_piece_of_work(without_pool):
    def work_twice():
        keep_open()
        first = session()
        close_old_connections()
        return first == session()

    assert in_another_thread(work_twice)


def test_connection_that_is_kept_open_is_replaced_when_it_broke_meanwhile(without_pool):
    def work_twice():
        keep_open()
        first = session()
        close_old_connections()
        in_another_thread(lambda: end_session(first))
        return first != session()

    assert in_another_thread(work_twice)


def test_other_threads_keep_none(without_pool):
    in_another_thread(keep_open)

    def is_closed():
        session()
        close_old_connections()
        return connection.connection is None

    assert in_another_thread(is_closed)
