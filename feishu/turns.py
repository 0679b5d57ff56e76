"""A message's turn: the platform takes so many a second for one chat, person or message (page "Send message": 5 QPS; page
"Update a message card": 5 QPS per message), whoever of a process sends them.

Where the process paces its messages, it says here how; elsewhere each is sent at once.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Pacing(Protocol):
    """Calls `send` when it is the turn of this chat and returns what it does; raises RateLimited where that takes too long, and
    what `send` raises. Waits on the thread that calls it."""

    def __call__(self, chat: tuple[str, str], send: Callable[[], Any]) -> Any: ...


class _Turns:
    pacing: Pacing | None = None


def pace_by(pacing: Pacing | None) -> None:
    """Have every message that `feishu.openapi.OpenAPI` sends or changes wait for its turn."""
    _Turns.pacing = pacing


def in_turn(app_id: str, target: str, send: Callable[[], T]) -> T:
    """What `send` returns, called when it is the turn of the app for this chat, person or message."""
    if _Turns.pacing is None:
        return send()
    answer: T = _Turns.pacing((app_id, target), send)
    return answer
