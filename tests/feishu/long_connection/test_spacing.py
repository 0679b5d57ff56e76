import asyncio

import pytest

from feishu.long_connection.spacing import Spacing, Turns
from tests.feishu.long_connection.fake_gateway import PATIENCE, Diary, running


class Loop:
    """Keeps what is to be called later; the test decides when that is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.later: list[tuple[float, object]] = []
        monkeypatch.setattr(
            asyncio.get_running_loop(), "call_later", lambda seconds, call: self.later.append((seconds, call))
        )

    async def pass_time(self) -> None:
        (_seconds, call), *self.later = self.later
        call()
        await settle()


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


class Queue:
    """Who had a turn, in that order."""

    def __init__(self, pace: Spacing) -> None:
        self.served: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._pace = pace

    async def join(self, *names: str) -> None:
        for name in names:
            self.tasks[name] = asyncio.create_task(self._wait(name))
        await settle()

    async def _wait(self, name: str) -> None:
        await self._pace.turn()
        self.served.append(name)


async def test_turns_are_given_in_order_each_a_step_after_the_one_before(monkeypatch):
    loop = Loop(monkeypatch)
    queue = Queue(Spacing(0.5))
    await queue.join("a", "b", "c")
    assert queue.served == ["a"]
    await loop.pass_time()
    assert queue.served == ["a", "b"]
    await loop.pass_time()
    assert queue.served == ["a", "b", "c"]
    assert [seconds for seconds, _ in loop.later] == [0.5], "one timer, however many wait"


async def test_who_comes_after_a_rest_waits_for_nothing(monkeypatch):
    loop = Loop(monkeypatch)
    queue = Queue(Spacing(0.5))
    await queue.join("a")
    await loop.pass_time()
    assert loop.later == []
    await queue.join("b")
    assert queue.served == ["a", "b"]


async def test_who_is_cancelled_costs_the_others_no_turn(monkeypatch):
    loop = Loop(monkeypatch)
    queue = Queue(Spacing(0.5))
    await queue.join("a", "b", "c")
    queue.tasks["b"].cancel()
    await loop.pass_time()
    assert queue.served == ["a", "c"]


class Held(Spacing):
    """Gives a turn whenever the test says so."""

    def __init__(self) -> None:
        super().__init__(0)
        self.permits = asyncio.Semaphore(0)
        self.asked = 0

    async def turn(self) -> None:
        self.asked += 1
        await self.permits.acquire()


async def until_asked(pace: Held, times: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while pace.asked < times:
            await asyncio.sleep(0.001)


async def test_sockets_that_break_in_the_same_instant_are_taken_down_turn_by_turn(gateway):
    pace = Held()
    turns = Turns(ending=pace)
    diaries = [Diary() for _ in range(3)]
    async with (
        running(gateway, diaries[0], turns=turns),
        running(gateway, diaries[1], turns=turns),
        running(gateway, diaries[2], turns=turns),
    ):
        for number, diary in enumerate(diaries, 1):
            await diary.until("heartbeat")
            await gateway.socket(number)
        for socket in list(gateway.sockets):
            socket.transport.abort()
        await until_asked(pace, 3)
        for taken_down in range(1, 4):
            pace.permits.release()
            async with asyncio.timeout(PATIENCE):
                while (told := [diary.count("disconnected") for diary in diaries].count(1)) < taken_down:
                    await asyncio.sleep(0.001)
            assert told == taken_down
        for diary in diaries:
            await diary.until("connected", 2)


async def test_connection_that_waits_for_its_turn_can_be_ended(gateway, diary):
    pace = Held()
    async with running(gateway, diary, turns=Turns(ending=pace)) as task:
        await diary.until("heartbeat")
        (await gateway.socket(1)).transport.abort()
        await until_asked(pace, 1)
        task.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(task, return_exceptions=True)
    assert diary.count("disconnected") == 1
