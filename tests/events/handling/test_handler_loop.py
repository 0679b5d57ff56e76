"""Async handlers on one loop: each has its limit and its tasks, and one that blocks it costs the others nothing."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from bots.models import Bot
from events.enums import EventStatus, RunFailure
from events.handling import registry
from events.handling.handler_loop import AsyncHandlerTimedOut, HandlerLoops
from events.models import Event, HandlerRun
from tests.events.handler_runs import done, stored_event, until
from tests.factories import make_bot, message_event
from tests.services import measuring
from tests.services.processes import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers")]


def of_type(kind: str, bot: Bot | None = None) -> Event:
    event = message_event(chat_id=f"oc_{time.monotonic_ns()}")
    event["header"]["event_type"] = f"test.{kind}_v1"
    return stored_event(event, bot=bot)


def is_dead(event: Event) -> bool:
    return Event.objects.get(pk=event.pk).status == EventStatus.DEAD


@pytest.fixture
def loops() -> Iterator[HandlerLoops]:
    made = HandlerLoops()
    yield made
    made.close()


def on_threads(*works) -> list[object]:
    results: list[object] = [None] * len(works)

    def run(number: int) -> None:
        try:
            results[number] = works[number]()
        except BaseException as error:  # noqa: BLE001 -- handed to the test
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def test_handlers_share_a_loop_and_run_side_by_side(loops):
    here = []

    async def meet() -> int:
        here.append(asyncio.get_running_loop())
        while len(here) < 3:
            await asyncio.sleep(0.01)
        return id(asyncio.get_running_loop())

    assert len(set(on_threads(*[lambda: loops.run(meet(), seconds=30)] * 3))) == 1


def test_the_loop_ends_with_its_process_and_another_one_may_follow(loops):
    async def where() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    first = loops.run(where(), seconds=30)
    loops.close()
    assert first.is_closed()
    assert loops.run(where(), seconds=30) is not first


def test_each_has_its_own_limit(loops):
    async def sleep(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "slept"

    late, fine = on_threads(
        lambda: loops.run(sleep(60), seconds=0.2), lambda: loops.run(sleep(0.5), seconds=30)
    )
    assert isinstance(late, AsyncHandlerTimedOut)
    assert fine == "slept"


def test_tasks_that_a_handler_leaves_end_with_it(loops):
    left, ended = [], threading.Event()

    async def linger() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def leave() -> None:
        left.append(asyncio.create_task(linger()))
        await asyncio.sleep(0)

    loops.run(leave(), seconds=30)
    assert ended.is_set()


def test_handler_that_blocks_the_loop_holds_up_nobody_who_comes_later(loops):
    blocks, release = threading.Event(), threading.Event()

    async def block() -> str:
        blocks.set()
        release.wait(PATIENCE)
        return "came back"

    async def answer() -> int:
        return threading.get_ident()

    results = []
    blocker = threading.Thread(target=lambda: results.append(loops.run(block(), seconds=30)))
    blocker.start()
    assert blocks.wait(PATIENCE)
    until(lambda: not loops._current.answers(), "the loop does not answer")
    first, second = (loops.run(answer(), seconds=10) for _ in range(2))
    release.set()
    blocker.join(timeout=120)
    assert (results, first) == (["came back"], second)


def test_time_for_which_another_one_blocks_the_loop_is_not_the_handlers(loops):
    started = threading.Event()

    async def wait() -> str:
        started.set()
        await asyncio.sleep(1.2)
        return "in time"

    async def block() -> None:
        time.sleep(1.8)  # noqa: ASYNC251 -- as wrong as a handler can be

    def blocker() -> None:
        assert started.wait(PATIENCE)
        loops.run(block(), seconds=30)

    assert on_threads(lambda: loops.run(wait(), seconds=1.3), blocker) == ["in time", None]


def test_handler_that_spins_is_interrupted_and_its_neighbour_finishes(make_worker):
    begun = threading.Event()

    @registry.on("test.spin_v1", timeout=1.5, retries=0, atomic=False)
    async def spin(event, bot):
        # Waiting that blocks could keep the neighbour from beginning for all of its time.
        while not begun.is_set():
            await asyncio.sleep(0.01)
        while True:
            sum(range(100))

    @registry.on("test.fine_v1", timeout=30, retries=0, atomic=False)
    async def fine(event, bot):
        begun.set()
        await asyncio.sleep(1)

    with measuring.paused():
        worker = make_worker()
        bot = make_bot()
        good, bad = of_type("fine", bot), of_type("spin", bot)
        worker.wake()
        until(lambda: is_dead(bad), "the one that spins is dead")
        until(lambda: done(good), "its neighbour is done")
        until(lambda: worker.hung == 0, "its thread has come back")
    assert bad.handler_runs.get().failure == RunFailure.TIMED_OUT
    assert good.handler_runs.get().attempts == 1


def test_neighbour_of_one_that_hangs_in_c_is_put_back_and_runs_elsewhere(make_worker, gate):
    begun = threading.Event()

    @registry.on("test.hang_v1", timeout=2, retries=0, atomic=False)
    async def hang(event, bot):
        assert begun.wait(PATIENCE)
        gate.wait(PATIENCE)

    @registry.on("test.fine_v1", timeout=1, retries=0, atomic=False)
    async def fine(event, bot):
        begun.set()
        await asyncio.sleep(0.5)

    worker = make_worker()
    bot = make_bot()
    good, bad = of_type("fine", bot), of_type("hang", bot)
    worker.wake()
    until(lambda: is_dead(bad), "the one that hangs is dead")
    until(lambda: done(good), "its neighbour is done")
    assert set(HandlerRun.objects.values_list("failure", "attempts")) == {("timed_out", 1), ("", 1)}
    after = of_type("fine", bot)
    worker.wake()
    until(lambda: done(after), "what comes later is done")


def test_orm_calls_of_a_handler_are_in_its_own_transaction(make_worker):
    @registry.on("test.fail_v1", retries=0)
    async def fail(event, bot):
        await Bot.objects.filter(pk=bot.pk).aupdate(name="changed")
        raise ValueError

    @registry.on("test.keep_v1", retries=0)
    async def keep(event, bot):
        await Bot.objects.filter(pk=bot.pk).aupdate(name="kept")

    worker = make_worker()
    failed, kept = of_type("fail", make_bot(name="as it was")), of_type("keep", make_bot())
    worker.wake()
    until(lambda: is_dead(failed) and done(kept), "both have ended")
    assert set(Bot.objects.values_list("name", flat=True)) == {"as it was", "kept"}
