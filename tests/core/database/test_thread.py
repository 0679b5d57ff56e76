import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import Error, OperationalError, connection, transaction

from core.database.thread import DatabaseThread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("postgres")]


def run(function, *, patience):
    async def once():
        thread = DatabaseThread("test-db", patience=patience)
        try:
            return await thread.run(function)
        finally:
            await thread.close()

    return asyncio.run(once())


def sleep(seconds):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


def test_statement_that_takes_too_long_is_given_up():
    with pytest.raises(OperationalError, match="statement timeout"):
        run(lambda: sleep(5), patience=0.2)


def test_without_patience_to_lose_it_is_waited_for():
    run(lambda: sleep(0.3), patience=None)


def backends_left_after_a_second(backend: int) -> int:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1)")
            cursor.execute("SELECT COUNT(*) FROM pg_stat_activity WHERE pid = %s", [backend])
            [left] = cursor.fetchone()
            return left
    finally:
        connection.close()


def test_transaction_that_stands_idle_is_ended_by_the_server():
    def stand_idle():
        with transaction.atomic():
            sleep(0)
            backend = connection.connection.info.backend_pid
            with ThreadPoolExecutor(1) as other:  # whose statements have no bound
                assert other.submit(backends_left_after_a_second, backend).result() == 0
            sleep(0)

    with pytest.raises(Error, match="idle-in-transaction"):
        run(stand_idle, patience=0.3)
