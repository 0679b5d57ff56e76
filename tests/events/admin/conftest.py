"""Operators and what they may see; handlers that replays can call."""

from typing import Any

import pytest

from bots.models import Bot
from events.handling.registry import HandlerRegistry, on
from events.models import Event
from tests.console.operators import *  # noqa: F403 -- fixtures


@pytest.fixture(autouse=True)
def replays_hinted(monkeypatch) -> list[Any]:
    hints: list[Any] = []
    monkeypatch.setattr("events.log.replay.notify_replayer", lambda: hints.append(True))
    monkeypatch.setattr("events.log.replay.notify_worker", lambda: True)
    return hints


@pytest.fixture
def handlers(monkeypatch) -> None:
    """The handler that the rows' delivery names, and another."""
    monkeypatch.setattr("events.handling.registry._registry", HandlerRegistry())

    def order(event: Event, bot: Bot) -> None: ...

    def other(event: Event, bot: Bot) -> None: ...

    order.__module__, order.__qualname__ = "shop.handlers", "order"
    other.__module__, other.__qualname__ = "shop.handlers", "other"
    on("im.message.receive_v1")(order)
    on("im.message.receive_v1")(other)
