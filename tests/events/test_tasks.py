"""What the sweep asks others for; the rest of it has tests where its functions are."""

from types import SimpleNamespace

import pytest

from events.tasks import sweep
from tests.events.log.replays import job_for


@pytest.fixture
def notified(monkeypatch) -> list[str]:
    """Notifications of the replayer; no worker is started in this process."""
    notified: list[str] = []
    monkeypatch.setattr("events.handling.worker.current", lambda: SimpleNamespace(wake=lambda: None))
    monkeypatch.setattr("events.tasks.notify_replayer", lambda: notified.append("replay"))
    return notified


@pytest.mark.django_db
def test_sweep_has_replays_go_on_for_as_long_as_one_is_open(notified):
    sweep()
    assert notified == []
    job = job_for()
    sweep()
    assert notified == ["replay"]
    job.delete()
    sweep()
    assert notified == ["replay"]
