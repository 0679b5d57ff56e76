"""An exception raised in a thread from outside. What becomes of the thread then is tested with the threads."""

import threading

from events.handling.interruption import HandlerTimedOut, interrupt
from tests.services import measuring
from tests.services.processes import PATIENCE


class Hanging(threading.Thread):
    """Runs ``hang`` and keeps what ended it."""

    def __init__(self, hang) -> None:
        super().__init__(daemon=True)
        self._hang = hang
        self.begun = threading.Event()
        self.ended_by: BaseException | None = None
        self.swallowed = 0
        self.start()
        assert self.begun.wait(PATIENCE)

    def run(self) -> None:
        try:
            self.begun.set()
            self._hang(self)
        except BaseException as error:  # noqa: BLE001 -- what ended it is the question
            self.ended_by = error


def test_thread_that_runs_python_is_reached_whatever_it_catches():
    def hang(thread: Hanging) -> None:
        while True:
            try:
                sum(range(100))
            except Exception:  # noqa: BLE001 -- as a careless handler does
                thread.swallowed += 1

    thread = Hanging(hang)
    interrupt(thread)
    thread.join(timeout=120)

    assert isinstance(thread.ended_by, HandlerTimedOut)
    assert thread.swallowed == 0


def test_thread_that_waits_outside_python_is_reached_when_it_returns():
    gate = threading.Event()
    with measuring.paused():
        thread = Hanging(lambda _thread: gate.wait(PATIENCE))
        interrupt(thread)
        thread.join(timeout=0.2)
        assert thread.is_alive()

        gate.set()
        thread.join(timeout=120)

    assert isinstance(thread.ended_by, HandlerTimedOut)


def test_thread_that_was_never_started_or_has_ended_is_left_alone():
    interrupt(threading.Thread(target=lambda: None))
    thread = Hanging(lambda _thread: None)
    thread.join(timeout=120)
    interrupt(thread)

    assert thread.ended_by is None


def test_exception_passes_by_what_handlers_catch():
    assert not issubclass(HandlerTimedOut, Exception)
