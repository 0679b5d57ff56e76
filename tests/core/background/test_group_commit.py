import asyncio
import threading

import pytest

from core.background.group_commit import GroupCommit
from core.database.thread import DatabaseThread
from tests.services.processes import PATIENCE


class Store:
    """Writes numbers as their doubles; holds a write while it is closed."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.error: Exception | None = None

    def write(self, numbers):
        self.entered.set()
        assert self.open.wait(PATIENCE)
        self.batches.append(list(numbers))
        if self.error is not None:
            raise self.error
        return [ValueError("odd one") if number == 13 else number * 2 for number in numbers]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def commits(store):
    database = DatabaseThread("test-commit")
    commits = GroupCommit(store.write, database=database, max_batch=3, max_queued=5)
    running = asyncio.create_task(commits.run())
    yield commits
    store.open.set()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()


async def queued(commits, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while commits.queued != count:
            await asyncio.sleep(0.001)


async def test_what_comes_alone_waits_for_nobody(commits, store):
    assert await commits.submit(1) == 2
    assert store.batches == [[1]]


async def test_batch_is_what_piled_up_while_the_last_one_was_written(commits, store):
    store.open.clear()
    first = asyncio.create_task(commits.submit(0))
    assert await asyncio.to_thread(store.entered.wait, PATIENCE)
    others = [asyncio.create_task(commits.submit(number)) for number in (1, 2, 3, 4)]
    await queued(commits, 4)
    store.open.set()
    assert await asyncio.gather(first, *others) == [0, 2, 4, 6, 8]
    assert store.batches == [[0], [1, 2, 3], [4]]


async def test_item_that_fails_alone_fails_nobody_else(commits, store):
    good, bad = await asyncio.gather(commits.submit(1), commits.submit(13), return_exceptions=True)
    assert good == 2
    assert isinstance(bad, ValueError)


async def test_write_that_fails_is_everybodys_error_and_the_next_one_is_tried(commits, store):
    store.error = RuntimeError("away")
    outcomes = await asyncio.gather(commits.submit(1), commits.submit(2), return_exceptions=True)
    assert [str(one) for one in outcomes] == ["away", "away"]
    store.error = None
    assert await commits.submit(3) == 6


async def test_full_queue_makes_who_submits_wait(commits, store):
    store.open.clear()
    tasks = [asyncio.create_task(commits.submit(number)) for number in range(9)]
    await queued(commits, 5)
    assert commits.is_full
    store.open.set()
    assert await asyncio.gather(*tasks) == [number * 2 for number in range(9)]


async def test_who_does_not_wait_is_called_back_once(commits, store):
    results: list[object] = []
    called = asyncio.Event()

    def on_written(result: object) -> None:
        results.append(result)
        called.set()

    commits.put(4, on_written)
    async with asyncio.timeout(PATIENCE):
        await called.wait()
    assert results == [8]


async def test_submitter_that_goes_away_harms_nobody(commits, store):
    store.open.clear()
    gone, stays = asyncio.create_task(commits.submit(1)), asyncio.create_task(commits.submit(2))
    await asyncio.sleep(0)
    gone.cancel()
    store.open.set()
    assert await stays == 4


async def test_submitter_may_take_its_item_back_until_a_batch_has_it(commits, store):
    store.open.clear()
    taken = asyncio.create_task(commits.submit(1, withdraw=True))
    assert await asyncio.to_thread(store.entered.wait, PATIENCE)
    withdrawn = asyncio.create_task(commits.submit(2, withdraw=True))
    await queued(commits, 1)
    for task in (taken, withdrawn):
        task.cancel()
    await asyncio.gather(taken, withdrawn, return_exceptions=True)
    assert commits.queued == 0
    store.open.set()
    assert await commits.submit(3) == 6
    assert store.batches == [[1], [3]]
