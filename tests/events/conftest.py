import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from core.database.thread import DatabaseThread
from events.handling import registry
from events.handling.worker import HandlerWorker
from tests.events.handler_runs import until
from tests.services import measuring


@pytest.fixture
async def database() -> AsyncIterator[DatabaseThread]:
    """For async tests: ``await database.run(make_bot)``."""
    thread = DatabaseThread("test-db")
    yield thread
    await thread.close()


@pytest.fixture
def own_handlers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Handlers of the product stay out of the way, and whatever a test registers is forgotten after it. The list is for
    what a test's handlers did."""
    monkeypatch.setattr(registry, "_registry", registry.HandlerRegistry())
    return []


@pytest.fixture
def no_broker(monkeypatch) -> list[str]:
    pokes: list[str] = []
    monkeypatch.setattr("events.handling.worker.notify_worker", lambda: pokes.append("poke"))
    return pokes


@pytest.fixture
def idle_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks wake a worker of this process, which does nothing."""
    monkeypatch.setattr("events.handling.worker.current", lambda: SimpleNamespace(wake=lambda: None))


@pytest.fixture
def make_worker(no_broker, settings):
    settings.SWEEP_SECONDS = 0.2
    made = []

    def make(**values) -> HandlerWorker:
        made.append(HandlerWorker(**values))
        made[-1].start()
        return made[-1]

    yield make
    for worker in made:
        worker.stop(grace=2)
    until(lambda: all(worker.hung == 0 for worker in made), "hung threads have ended")


@pytest.fixture
def gate():
    """What handlers of a test hang at; opened when the test is over."""
    opened = threading.Event()
    with measuring.paused():
        yield opened
        opened.set()
