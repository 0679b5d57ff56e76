"""Requests to the portal's own addresses from within its process, past no rule that a request from outside would meet."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Scope

from core.log_context import log_context, request_facts

AGENT: Final = "feishu_portal.agent"
"""The key in the scope of a request under which is who asks; no request from outside has it."""
_KEPT: Final = frozenset(
    {b"host", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-request-id"}
)
"""Headers that say where the outer request came from, and by which name the portal was called."""


class AnswerTooLongError(Exception):
    """The answer is longer than the caller takes."""


@dataclass(frozen=True, slots=True)
class InnerAnswer:
    """A response, read whole; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """Without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


async def ask(
    application: ASGIApp,
    origin: Scope,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    query: str = "",
    body: bytes = b"",
    limit: int,
) -> InnerAnswer:
    """The application's answer to a request that comes from where ``origin`` came from. ``path`` and ``query`` are encoded.

    Raises AnswerTooLongError for an answer of more than ``limit`` bytes, as soon as it is known.
    """
    sent = [(name, value) for name, value in origin["headers"] if name in _KEPT]
    sent += [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    if body:
        sent.append((b"content-length", b"%d" % len(body)))
    scope = {
        "type": "http",
        "asgi": origin["asgi"],
        "http_version": "1.1",
        "scheme": origin.get("scheme", "http"),
        "client": origin.get("client"),
        "server": origin.get("server"),
        "root_path": "",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": sent,
        AGENT: origin.get(AGENT),
    }
    collected = _Collected(limit)
    # The line of the outer request is about that one: the inner request has none of its own.
    with log_context(), request_facts():
        try:
            await application(scope, _received(body), collected.send)
        except ClientDisconnect:
            if not collected.is_too_long:
                raise
    if collected.is_too_long:
        raise AnswerTooLongError
    return InnerAnswer(collected.status, collected.headers, bytes(collected.body))


class _Collected:
    def __init__(self, limit: int) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.is_too_long = False
        self._limit = limit

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.get("headers", ())
            self.headers = {name.decode().lower(): value.decode("latin-1") for name, value in headers}
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if len(self.body) > self._limit:
                self.is_too_long = True
                raise ClientDisconnect


def _received(body: bytes) -> "_Receive":
    return _Receive([{"type": "http.request", "body": body, "more_body": False}])


class _Receive:
    """The body, and then a caller who stays until the answer is there."""

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages

    async def __call__(self) -> Message:
        if not self._messages:
            await asyncio.Event().wait()
        return self._messages.pop()
