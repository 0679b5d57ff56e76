import pytest
from django.db import IntegrityError, connection, transaction

from core.access.models import AuditEntry
from core.database.lazy_transaction import LazyTransaction

pytestmark = pytest.mark.django_db(transaction=True)


def write(action: str) -> AuditEntry:
    return AuditEntry.objects.create(actor="system:portal", action=action)


def written() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def is_outside() -> bool:
    return not connection.in_atomic_block and not connection.atomic_blocks and connection.get_autocommit()


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    yield
    assert "ensure_connection" not in vars(connection)
    assert is_outside()


def test_without_a_query_it_never_begins_and_opens_no_connection():
    connection.close()
    begun: list[str] = []
    with LazyTransaction(on_begin=lambda: begun.append("begun")) as lazy:
        assert not lazy.has_begun
    assert (begun, connection.connection) == ([], None)


@pytest.mark.parametrize("is_open", [True, False])
def test_first_query_begins_it_and_its_end_commits(is_open):
    connection.ensure_connection() if is_open else connection.close()
    begun: list[bool] = []
    with LazyTransaction(on_begin=lambda: begun.append(connection.in_atomic_block)) as lazy:
        write("a")
        assert lazy.has_begun
        write("b")
    assert begun == [True]
    assert written() == ["a", "b"]


def test_exception_rolls_it_back():
    with pytest.raises(RuntimeError), LazyTransaction():
        write("a")
        raise RuntimeError
    assert written() == []


def test_exception_without_a_query_leaves_nothing():
    with pytest.raises(RuntimeError), LazyTransaction():
        raise RuntimeError


def test_reading_begins_it_as_well():
    with LazyTransaction() as lazy:
        AuditEntry.objects.exists()
        assert lazy.has_begun


@pytest.mark.parametrize("first", ["outer", "inner"])
def test_nested_atomic_is_a_savepoint_whichever_comes_first(first):
    with LazyTransaction():
        if first == "outer":
            write("outer")
        with pytest.raises(RuntimeError), transaction.atomic():
            write("undone")
            raise RuntimeError
        with transaction.atomic():
            write("kept")
    assert written() == (["outer", "kept"] if first == "outer" else ["kept"])


def test_nested_atomic_commits_nothing_by_itself():
    with pytest.raises(RuntimeError), LazyTransaction():
        with transaction.atomic():
            write("inner")
        raise RuntimeError
    assert written() == []


def test_broken_statement_within_a_savepoint_does_not_spoil_the_rest():
    entry = write("first")
    with LazyTransaction():
        with pytest.raises(IntegrityError), transaction.atomic():
            AuditEntry.objects.create(pk=entry.pk, actor="system:portal", action="again")
        write("second")
    assert written() == ["first", "second"]


def test_what_waits_for_the_commit_runs_after_it():
    seen: list[list[str]] = []
    with LazyTransaction():
        transaction.on_commit(lambda: seen.append(written()))
        write("a")
        assert seen == []
    assert seen == [["a"]]


def test_what_waits_for_a_commit_counts_as_something_to_commit():
    ran: list[str] = []
    connection.close()
    with LazyTransaction() as lazy:
        transaction.on_commit(lambda: ran.append("ran"))
        assert lazy.has_begun
        assert ran == []
    assert ran == ["ran"]


def test_what_waits_for_the_commit_is_forgotten_with_a_rollback():
    ran: list[str] = []
    for queries in (False, True):
        with pytest.raises(RuntimeError), LazyTransaction():
            transaction.on_commit(lambda: ran.append("ran"))
            if queries:
                write("a")
            raise RuntimeError
    write("b")
    assert (ran, written()) == ([], ["b"])


def test_block_that_must_be_the_outermost_is_refused_inside():
    with pytest.raises(RuntimeError, match="durable"), LazyTransaction(), transaction.atomic(durable=True):
        pytest.fail("it is not the outermost")


def test_inside_a_transaction_it_begins_at_once_as_a_savepoint():
    with transaction.atomic():
        write("outer")
        with pytest.raises(RuntimeError), LazyTransaction() as lazy:
            assert lazy.has_begun
            write("inner")
            raise RuntimeError
    assert written() == ["outer"]


def test_beginning_that_fails_is_tried_again_by_the_next_query(monkeypatch):
    connection.close()
    calls: list[str] = []
    connect = connection.connect

    def fail_once() -> None:
        calls.append("connect")
        if len(calls) == 1:
            raise ConnectionError("away")
        connect()

    monkeypatch.setattr(connection, "connect", fail_once)
    with LazyTransaction():
        with pytest.raises(ConnectionError):
            write("a")
        write("b")
    assert written() == ["b"]


def test_it_can_be_begun_by_hand():
    with LazyTransaction() as lazy:
        lazy.begin()
        assert lazy.has_begun
