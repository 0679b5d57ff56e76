import threading

from core.background.per_process import OnePerProcess
from tests.services.processes import PATIENCE


class Recorded:
    """Notes what is asked of it."""

    made = 0

    def __init__(self) -> None:
        Recorded.made += 1
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")


def test_worker_is_made_and_started_when_first_asked_for() -> None:
    before = Recorded.made
    workers = OnePerProcess(Recorded)
    assert Recorded.made == before

    first = workers.current()

    assert workers.current() is first
    assert first.calls == ["start"]


def test_threads_that_ask_at_once_get_the_same() -> None:
    workers = OnePerProcess(Recorded)
    barrier, found = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait(PATIENCE)
        found.append(workers.current())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE)

    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_stopped_worker_is_followed_by_a_new_one() -> None:
    workers = OnePerProcess(Recorded)
    first = workers.current()

    workers.stop()
    workers.stop()

    assert first.calls == ["start", "stop"]
    assert workers.current() is not first


def test_stopping_makes_none() -> None:
    before = Recorded.made
    OnePerProcess(Recorded).stop()
    assert Recorded.made == before
