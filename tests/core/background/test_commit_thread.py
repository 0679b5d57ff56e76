import threading
import time

import psycopg
import pytest
from django.db import DataError, OperationalError

from core.background import commit_thread
from core.background.commit_thread import CommitThread
from tests.services.processes import PATIENCE


class Store:
    """Writes words; holds a write while it is closed."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.failed: list[tuple[str, Exception]] = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.is_away = False
        self.is_locked = False
        self.attempts = 0

    def write(self, words) -> None:
        self.entered.set()
        assert self.open.wait(PATIENCE)
        if self.is_away:
            raise OperationalError("away") from psycopg.OperationalError("connection lost")
        if self.is_locked:
            self.attempts += 1
            raise OperationalError("timeout") from psycopg.errors.LockNotAvailable(
                "a lock that does not come"
            )
        if "unstorable" in words:
            raise DataError("no column takes it")
        self.batches.append(list(words))

    @property
    def stored(self) -> list[str]:
        return [word for batch in self.batches for word in batch]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def commits(store, monkeypatch):
    monkeypatch.setattr(commit_thread, "AGAIN_SECONDS", 0.01)
    commits = CommitThread(
        store.write,
        name="test-commits",
        max_batch=lambda: 3,
        on_failed=lambda *what: store.failed.append(what),
    )
    commits.start()
    yield commits
    store.open.set()
    store.is_away = False
    assert commits.stop(seconds=10) == []


def until(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_batch_is_what_piled_up_while_the_last_one_was_written(commits, store):
    store.open.clear()
    commits.put("a")
    assert store.entered.wait(PATIENCE)
    for word in "bcde":
        commits.put(word)
    assert commits.pending == list("abcde")
    store.open.set()
    until(lambda: not commits.pending)
    assert store.batches == [["a"], ["b", "c", "d"], ["e"]]


def test_batch_that_the_database_refuses_is_given_up_after_a_while(commits, store, caplog):
    store.is_locked = True
    commits.put("a")
    until(lambda: store.failed)
    assert ([word for word, _error in store.failed], store.attempts) == (["a"], commit_thread.MOST_REFUSED)
    assert "item_not_written" in caplog.text
    store.is_locked = False
    commits.put("b")
    until(lambda: store.stored == ["b"])


def test_database_that_is_away_gets_it_later(commits, store):
    store.is_away = True
    commits.put("a")
    assert store.entered.wait(PATIENCE)
    assert commits.pending == ["a"]
    store.is_away = False
    until(lambda: store.stored == ["a"])


def test_item_at_fault_costs_the_others_nothing(commits, store):
    store.open.clear()
    commits.put("a")
    assert store.entered.wait(PATIENCE)
    for word in ("b", "unstorable", "c"):
        commits.put(word)
    store.open.set()
    until(lambda: not commits.pending)
    assert store.stored == ["a", "b", "c"]
    [(word, error)] = store.failed
    assert (word, type(error)) == ("unstorable", DataError)


def test_what_is_left_is_written_when_it_stops(store):
    commits = CommitThread(
        store.write, name="test-commits", max_batch=lambda: 3, on_failed=lambda *_what: None
    )
    commits.start()
    commits.put("a")
    assert commits.stop(seconds=10) == []
    assert store.stored == ["a"]


def test_what_cannot_be_written_is_returned_when_it_stops(store, monkeypatch):
    monkeypatch.setattr(commit_thread, "AGAIN_SECONDS", 0.01)
    commits = CommitThread(
        store.write, name="test-commits", max_batch=lambda: 3, on_failed=lambda *_what: None
    )
    commits.start()
    store.is_away = True
    commits.put("a")
    assert store.entered.wait(PATIENCE)
    assert commits.stop(seconds=10) == ["a"]


def test_one_that_was_never_started_returns_what_it_has(store):
    commits = CommitThread(
        store.write, name="test-commits", max_batch=lambda: 3, on_failed=lambda *_what: None
    )
    commits.put("a")
    assert commits.stop(seconds=1) == ["a"]
