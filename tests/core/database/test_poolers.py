"""What a session is told where a pooler hands it from client to client. With a real PgBouncer: tests/processes/test_pooler.py."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection, transaction

from core.database import poolers
from core.database.connections import limit_waiting
from core.database.transactions import bounded_transaction

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("postgres")]


@pytest.fixture(autouse=True)
def wrapper_of_its_own() -> Iterator[None]:
    """What a connection learns in here stays in here."""
    kept = vars(connection).copy()
    connection.close()
    yield
    limit_waiting(0)
    connection.close()
    vars(connection).pop("_set_autocommit", None)
    vars(connection).pop("feishu_portal_limit", None)
    assert kept.keys() >= vars(connection).keys()


def setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        [value] = cursor.fetchone()
        return value


def test_limit_holds_for_each_transaction_and_leaves_nothing_in_the_session(settings):
    settings.POOLER = "transaction"
    limit_waiting(0.2)
    assert setting("statement_timeout") == "0"
    for _ in range(2):
        with transaction.atomic():
            assert setting("statement_timeout") == "200ms"
            assert setting("idle_in_transaction_session_timeout") == "200ms"
        assert setting("statement_timeout") == "0"
    with (
        pytest.raises(OperationalError, match="statement timeout"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(30)")
    assert setting("statement_timeout") == "0"


def test_limit_set_within_a_transaction_ends_with_it(settings):
    settings.POOLER = "transaction"
    with transaction.atomic():
        limit_waiting(0.3)
        assert setting("statement_timeout") == "300ms"
    assert setting("statement_timeout") == "0"


def test_bounded_transaction_is_bounded(settings):
    settings.POOLER = "transaction"
    with bounded_transaction(0.4):
        assert setting("statement_timeout") == "400ms"
    assert setting("statement_timeout") == "0"


def test_session_of_a_pooler_by_session_flushes_what_it_commits(settings):
    settings.POOLER = "session"
    assert setting("synchronous_commit") == "on"


def test_direct_connection_that_lost_its_options_shows_a_pooler(settings):
    assert poolers.problem() is None
    with connection.cursor() as cursor:
        cursor.execute("SET feishu_portal.direct = off")
    assert poolers.problem() == poolers.SAY_POOLER
    assert (
        poolers.problem_of(OperationalError("FATAL: unsupported startup parameter: options"))
        == poolers.SAY_POOLER
    )
    assert poolers.problem_of(OperationalError("FATAL: too many clients")) is None


@pytest.mark.parametrize(
    ("value", "is_durable"), [("off", False), ("local", False), ("on", True), ("remote_apply", True)]
)
def test_server_behind_a_pooler_by_transaction_has_to_flush(settings, value, is_durable):
    settings.POOLER = "transaction"
    with connection.cursor() as cursor:
        cursor.execute(f"SET synchronous_commit = {value}")
    assert (poolers.problem() is None) == is_durable
