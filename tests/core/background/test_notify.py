import pytest
from kombu.exceptions import OperationalError

from core.background.notify import notify


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, tuple[object, ...]]]:
    messages: list[tuple[str, tuple[object, ...]]] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, args: messages.append((name, args)))
    return messages


def test_message_goes_by_the_name_of_its_task(sent):
    assert notify("events.work") is True
    assert notify("auth_sessions.sync_card", "17") is True
    assert sent == [("events.work", ()), ("auth_sessions.sync_card", ("17",))]


@pytest.mark.parametrize("error", [OperationalError("no broker"), ConnectionRefusedError()])
def test_broker_that_is_away_is_logged_and_not_raised(error, monkeypatch, caplog):
    def refuse(_name, _args):
        raise error

    monkeypatch.setattr("celery.current_app.send_task", refuse)
    assert notify("events.work") is False
    (line,) = caplog.records
    assert (line.message, line.task, line.error) == (
        "worker_not_notified",
        "events.work",
        type(error).__name__,
    )
