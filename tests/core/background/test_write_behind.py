import asyncio

import pytest
from django.db import DataError, OperationalError

from core.background.write_behind import Merge, WriteBehind
from core.database.thread import DatabaseThread
from tests.services.processes import PATIENCE


class Store:
    def __init__(self) -> None:
        self.stored: list[str] = []
        self.batches: list[list[str]] = []
        self.is_away = False

    def write(self, notes) -> None:
        self.batches.append(list(notes))
        if self.is_away:
            raise OperationalError("away")
        if "unstorable" in notes:
            raise DataError("no column takes it")
        if "ours" in notes:
            raise RuntimeError("a fault of ours")
        self.stored += notes


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def notes(store):
    database = DatabaseThread("test-notes")
    yield WriteBehind(store.write, name="test", database=database, every=0.01, max_kept=4)
    await database.close()


async def test_notes_are_written_together(notes, store):
    for note in "abc":
        notes.add(note)
    await notes.flush()
    assert store.batches == [["a", "b", "c"]]


async def test_nothing_is_written_where_there_is_nothing(notes, store):
    await notes.flush()
    assert store.batches == []


async def test_database_that_is_away_gets_them_later_in_their_order(notes, store):
    store.is_away = True
    notes.add("a")
    notes.add("b")
    await notes.flush()
    notes.add("c")
    store.is_away = False
    await notes.flush()
    assert store.stored == ["a", "b", "c"]


async def test_oldest_are_dropped_beyond_the_bound_and_counted_in_the_log(notes, store, caplog):
    for note in "abcdef":
        notes.add(note)
    await notes.flush()
    assert store.stored == list("cdef")
    assert [(one.message, one.count) for one in caplog.records] == [("notes_dropped", 2)]


async def test_what_came_meanwhile_goes_before_what_was_kept_when_there_is_no_room(notes, store):
    store.is_away = True
    for note in "abc":
        notes.add(note)
    writing = asyncio.create_task(notes.flush())
    await asyncio.sleep(0)
    for note in "wxy":
        notes.add(note)
    await writing
    store.is_away = False
    await notes.flush()
    assert store.stored == ["c", "w", "x", "y"]


async def test_note_that_no_column_takes_is_dropped_and_the_others_are_written(notes, store, caplog):
    for note in ("a", "unstorable", "b"):
        notes.add(note)
    await notes.flush()
    assert store.stored == ["a", "b"]
    assert "note_unstorable" in [one.message for one in caplog.records]


async def test_fault_of_ours_is_logged_and_holds_up_nothing(notes, store, caplog):
    notes.add("ours")
    await notes.flush()
    notes.add("a")
    await notes.flush()
    assert store.stored == ["a"]
    assert "notes_failed" in [one.message for one in caplog.records]


async def test_running_it_writes_now_and_then_and_what_is_left_at_the_end(notes, store):
    running = asyncio.create_task(notes.run())
    notes.add("a")
    async with asyncio.timeout(PATIENCE):
        while store.stored != ["a"]:
            await asyncio.sleep(0.001)
    notes.add("b")
    notes.stop()
    async with asyncio.timeout(PATIENCE):
        await running
    assert store.stored == ["a", "b"]


async def test_stopping_one_that_has_nothing_to_do_ends_it(notes):
    running = asyncio.create_task(notes.run())
    await asyncio.sleep(0)
    notes.stop()
    async with asyncio.timeout(PATIENCE):
        await running


@pytest.fixture
async def columns(store):
    """Values of rows, of which the latest count."""
    database = DatabaseThread("test-notes")
    merge = Merge(key=lambda note: note[0], merged=lambda older, newer: (older[0], older[1] | newer[1]))
    yield WriteBehind(store.write, name="test", database=database, every=0.01, max_kept=2, merge=merge)
    await database.close()


async def test_notes_of_one_key_become_one_with_the_latest_values(columns, store):
    columns.add(("a", {"state": 1, "at": 1}))
    columns.add(("b", {"state": 1}))
    columns.add(("a", {"state": 2}))
    await columns.flush()
    assert store.stored == [("a", {"state": 2, "at": 1}), ("b", {"state": 1})]


async def test_what_came_while_the_database_was_away_wins_over_what_was_kept(columns, store):
    store.is_away = True
    columns.add(("a", {"state": 1, "at": 1}))
    writing = asyncio.create_task(columns.flush())
    await asyncio.sleep(0)
    columns.add(("a", {"state": 2}))
    await writing
    store.is_away = False
    await columns.flush()
    assert store.stored == [("a", {"state": 2, "at": 1})]


async def test_keys_beyond_the_bound_drop_the_oldest(columns, store):
    for key in "abc":
        columns.add((key, {"state": 1}))
    await columns.flush()
    assert [key for key, _values in store.stored] == ["b", "c"]
