from collections.abc import Callable, Iterator
from typing import Any

import pytest

from feishu import turns


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = turns._Turns.pacing
    yield
    turns.pace_by(before)


def test_message_is_sent_at_once_where_nobody_paces() -> None:
    turns.pace_by(None)
    assert turns.in_turn("cli_1", "oc_1", lambda: "sent") == "sent"


def test_message_waits_for_the_turn_of_its_app_and_chat() -> None:
    asked = []

    def pacing(chat: tuple[str, str], send: Callable[[], Any]) -> Any:
        asked.append(chat)
        return send()

    turns.pace_by(pacing)
    assert turns.in_turn("cli_1", "oc_1", lambda: "sent") == "sent"
    assert asked == [("cli_1", "oc_1")]
