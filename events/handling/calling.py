"""Awaiting async handlers from the thread that called them."""

from inspect import iscoroutine
from typing import Any

from events.handling.handler_loop import LOOPS


def completed(result: Any, *, seconds: float) -> Any:
    """What a handler returned; a coroutine is run to its end and cancelled after ``seconds``.

    It runs on the event loop that the process's async handlers share. Its ORM calls come back to this thread, and so into
    its transaction. Raises AsyncHandlerTimedOut, or whatever the coroutine raises.
    """
    # Judged by the result and not by the function: a decorator or a lambda may wrap an async one.
    return LOOPS.run(result, seconds=seconds) if iscoroutine(result) else result
