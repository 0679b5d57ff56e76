from core.background.retry import RetrySchedule
from events.handling import uncounted
from events.handling.uncounted import UncountedAttempts
from events.models import HandlerRun


def test_attempts_count_when_the_pauses_are_used_up(monkeypatch):
    monkeypatch.setattr(uncounted, "PAUSES", RetrySchedule((1, 2)))
    attempts, run, other = UncountedAttempts(), HandlerRun(pk=1), HandlerRun(pk=2)
    pauses = [attempts.pause(run) for _ in range(3)]
    assert [pause and int(pause.total_seconds()) for pause in pauses] == [1, 2, None]
    assert attempts.pause(other) is not None


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(uncounted, "MAX_KNOWN", 3)
    attempts = UncountedAttempts()
    for pk in range(10):
        attempts.pause(HandlerRun(pk=pk))
    assert len(attempts._made) <= 3


def test_run_that_brings_the_database_down_is_not_forgotten_for_the_others_it_costs(monkeypatch):
    monkeypatch.setattr(uncounted, "MAX_KNOWN", 3)
    monkeypatch.setattr(uncounted, "PAUSES", RetrySchedule((1, 2)))
    attempts, run = UncountedAttempts(), HandlerRun(pk=1)
    for pk in range(2, 10):
        last = attempts.pause(run)
        attempts.pause(HandlerRun(pk=pk))
    assert last is None
