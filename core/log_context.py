"""What the log lines of a piece of work have in common: which bot, event, authorization session, grant they are about.

Facts are bound where the work begins, and given back where it ends: a thread or an event loop goes on to other work. Names
are the same everywhere: ``app_id`` and ``bot`` (its primary key), ``event_id``, ``session``, ``grant``, ``delivery``,
``revocation``, ``client``, ``slot``, ``node``, ``task``, ``request_id``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

_REQUEST: Final[ContextVar[dict[str, object] | None]] = ContextVar("request_facts", default=None)


@contextmanager
def log_context(**facts: object) -> Iterator[None]:
    """Lines logged meanwhile say ``facts``, and what is added with ``add_to_log``."""
    outer = get_contextvars()
    add_to_log(**facts)
    try:
        yield
    finally:
        clear_contextvars()
        bind_contextvars(**outer)


def add_to_log(**facts: object) -> None:
    """Add facts that come to be known within the work, until the end of the innermost `log_context`."""
    bind_contextvars(**facts)
    add_to_request(**facts)


@contextmanager
def request_facts() -> Iterator[dict[str, object]]:
    """What comes to be known meanwhile of the request that is served, for its one line at its end. Tasks and threads that
    begin meanwhile add to it, too: the context that they inherit is a copy, the dictionary is not."""
    facts: dict[str, object] = {}
    token = _REQUEST.set(facts)
    try:
        yield facts
    finally:
        _REQUEST.reset(token)


def add_to_request(**facts: object) -> None:
    """Add facts to the line of the request alone. The first that is said of its kind stays: a page that goes through many
    sessions is about the one that it was asked for."""
    if (known := _REQUEST.get()) is not None:
        for name, value in facts.items():
            known.setdefault(name, value)
