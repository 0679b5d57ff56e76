from typing import Any

import pytest

from bots.models import Bot
from events.handling.registry import HandlerRegistry, on
from events.models import Event
from tests.events.log.replays import TYPE
from tests.factories import make_bot


@pytest.fixture
def bot(db) -> Bot:
    return make_bot()


@pytest.fixture
def other(db) -> Bot:
    return make_bot()


@pytest.fixture
def no_broker(monkeypatch) -> None:
    monkeypatch.setattr("events.log.replay.notify_worker", lambda: True)
    monkeypatch.setattr("events.log.replay.notify_replayer", lambda: True)


@pytest.fixture
def shop(monkeypatch) -> dict[str, Any]:
    """Two handlers; one fails while ``broken`` is set."""
    monkeypatch.setattr("events.handling.registry._registry", HandlerRegistry())
    state: dict[str, Any] = {"broken": True, "calls": []}

    @on(TYPE, retries=0)
    def ledger(event: Event, bot: Bot) -> None:
        state["calls"].append("ledger")

    @on(TYPE, retries=0)
    def stock(event: Event, bot: Bot) -> None:
        state["calls"].append("stock")
        if state["broken"]:
            raise ValueError(f"no stock for {event.pk}")

    state["ledger"], state["stock"] = (
        f"{function.__module__}.{function.__qualname__}" for function in (ledger, stock)
    )
    return state
