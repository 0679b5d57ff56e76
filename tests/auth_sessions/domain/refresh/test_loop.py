import threading

import pytest
from celery.worker import state

from auth_sessions.domain.refresh import loop
from auth_sessions.domain.refresh.loop import is_worker_stopping, run_passes


class Passes:
    """Stands in for `Pass` and notes each that runs; ``during`` is called in the midst of the first."""

    def __init__(self) -> None:
        self.count = 0
        self.most_at_once = 0
        self.during = lambda: None
        self.is_unfinished = False
        self.could_keep_answers = True
        self.is_asked_to_stop = None
        self._running = 0

    def __call__(self, *, wake, stopping):
        self.wake, self.is_asked_to_stop = wake, stopping
        return self

    def run(self) -> None:
        self.count += 1
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        during, self.during = self.during, lambda: None
        during()
        self._running -= 1


@pytest.fixture
def passes(monkeypatch) -> Passes:
    stand_in = Passes()
    monkeypatch.setattr(loop, "Pass", stand_in)
    return stand_in


@pytest.fixture
def stopping_worker(monkeypatch):
    monkeypatch.setattr(state, "should_stop", 0)


def test_message_runs_one_pass(passes):
    run_passes()
    assert passes.count == 1
    assert not passes.wake.is_set()


def test_pass_that_could_keep_no_answer_is_said_to_be_none(passes):
    assert run_passes()
    passes.could_keep_answers = False
    assert not run_passes()


def test_messages_that_come_during_a_pass_wake_it_and_run_one_more(passes):
    def come() -> None:
        for _ in range(3):
            other = threading.Thread(target=run_passes)
            other.start()
            other.join(timeout=120)
            assert not other.is_alive()
        assert passes.wake.is_set()

    passes.during = come
    run_passes()
    assert (passes.count, passes.most_at_once) == (2, 1)


def test_pass_that_left_something_asks_for_another_by_message(passes, monkeypatch):
    sent = []
    monkeypatch.setattr(loop, "notify", sent.append)
    passes.is_unfinished = True
    run_passes()
    assert sent == ["auth_sessions.refresh_due"]


def test_pass_that_fails_keeps_no_other_from_running(passes):
    def fail() -> None:
        raise OSError("disk")

    passes.during = fail
    with pytest.raises(OSError, match="disk"):
        run_passes()
    run_passes()
    assert passes.count == 2


def test_worker_that_was_asked_to_stop_runs_none(passes, stopping_worker):
    run_passes()
    assert passes.count == 0


def test_exit_code_of_zero_is_a_request_to_stop(monkeypatch):
    """Celery keeps None or False while the worker goes on, else the exit code."""
    assert not is_worker_stopping()
    for code in (0, 1, True):
        monkeypatch.setattr(state, "should_terminate", code)
        assert is_worker_stopping()
