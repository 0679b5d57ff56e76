"""What a handler is called in the database, and what makes a registration wrong.

Runs, switches and replays name handlers by their identity, so it must be unique and outlive a restart.
"""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, Final

MAX_NAME: Final = 200
"""Characters, as in the columns that hold it."""


def default_name(function: Callable[..., Any]) -> str:
    """The Python path of a function or method; empty for what has none, such as a partial or a callable object."""
    qualname = getattr(function, "__qualname__", "")
    return f"{function.__module__}.{qualname}" if qualname else ""


def fault_of_name(name: str) -> str:
    """What makes it no name for a handler, as the end of a sentence; empty when nothing does."""
    if not name:
        return "has no name, because a partial or an object has no path"
    # A new one would take over the runs of one that was removed.
    if name.endswith("<lambda>"):
        return "has no name that lasts, because all lambdas of a module share one"
    if len(name) > MAX_NAME:
        return f"has a name of more than {MAX_NAME} characters"
    if not name.isprintable() or name != name.strip():
        return "has a name with characters that cannot be printed, or with spaces around it"
    return ""


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it makes a coroutine: async functions and methods, partials of them, objects with an async call."""
    return _is_any(function, inspect.iscoroutinefunction)


def yields(function: Callable[..., Any]) -> bool:
    """Whether calling it makes a generator, sync or async."""
    return _is_any(function, inspect.isasyncgenfunction) or _is_any(function, inspect.isgeneratorfunction)


def _is_any(function: Callable[..., Any], is_one: Callable[[Any], bool]) -> bool:
    while isinstance(function, partial):
        function = function.func
    return is_one(function) or is_one(type(function).__call__)


def place_of_caller() -> str:
    """``module:line`` of the code that called the function which asks, for messages to the person who wrote it."""
    frame = inspect.currentframe()
    for _ in range(2):
        frame = frame and frame.f_back
    return f"{frame.f_globals.get('__name__', '?')}:{frame.f_lineno}" if frame else "?"
