"""What the log lines of a piece of work have in common: which bot, event, authorization session, grant they are about.

Facts are bound where the work begins, and given back where it ends: a thread or an event loop goes on to other work. Names
are the same everywhere: ``app_id`` and ``bot`` (its primary key), ``event_id``, ``session``, ``grant``, ``delivery``,
``revocation``, ``client``, ``slot``, ``node``, ``task``, ``request_id``.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

HEADER: Final = "X-Request-ID"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@contextmanager
def log_context(**facts: object) -> Iterator[None]:
    """Lines logged meanwhile say ``facts``, and what is added with ``add_to_log``."""
    outer = get_contextvars()
    bind_contextvars(**facts)
    try:
        yield
    finally:
        clear_contextvars()
        bind_contextvars(**outer)


def add_to_log(**facts: object) -> None:
    """Add facts that come to be known within the work, until the end of the innermost `log_context`."""
    bind_contextvars(**facts)


@sync_and_async_middleware
def name_requests(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware: lines of a request say its id, which is the caller's ``X-Request-ID`` or a new one, and is returned."""
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> HttpResponseBase:
            request_id = _id_of(request)
            with log_context(request_id=request_id):
                return _with_id(await get_response(request), request_id)

        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        request_id = _id_of(request)
        with log_context(request_id=request_id):
            return _with_id(get_response(request), request_id)

    return respond


def _id_of(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _with_id(response: HttpResponseBase, request_id: str) -> HttpResponseBase:
    response.headers.setdefault(HEADER, request_id)
    return response
