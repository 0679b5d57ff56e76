"""A request's body as text, read as it comes and within bounds."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from core.background.stopping import stopping
from feishu_portal.api.problems import Problem
from feishu_portal.api.streaming.lines import LineError, TextLines

MAX_BODY: Final = 8 * 1024 * 1024
"""Bytes."""
IDLE_SECONDS: Final = 120.0
"""In which the next bytes have to come: a model may think for a while."""
LOOK_SECONDS: Final = 1.0
"""How often it is asked whether the process is to end."""


async def read_texts(receive: Receive, lines: TextLines) -> AsyncGenerator[str, None]:
    """The body's text. Raises ClientDisconnect where the caller goes away before its end, and Problem."""
    received = 0
    while not lines.is_over:
        message = await _next(receive)
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        received += len(chunk)
        if received > MAX_BODY:
            raise Problem(413, "body_too_large", f"A body may have {MAX_BODY} bytes.", headers=_CLOSE)
        try:
            for text in lines.feed(chunk):
                yield text
            if not message.get("more_body", False):
                for text in lines.end():
                    yield text
                return
        except LineError as error:
            raise Problem(400, "invalid_request", str(error), headers=_CLOSE) from None


_CLOSE: Final = {"Connection": "close"}
"""The rest of the body is not read, so the connection cannot serve another request."""


async def _next(receive: Receive) -> Message:
    loop = asyncio.get_running_loop()
    ends = loop.time() + IDLE_SECONDS
    waiting = asyncio.ensure_future(receive())
    try:
        while not waiting.done():
            if stopping.is_asked:
                detail = "The portal is restarting. Send it again with the same Idempotency-Key."
                raise Problem(503, "overloaded", detail, headers={**_CLOSE, "Retry-After": "5"})
            if loop.time() >= ends:
                raise Problem(408, "body_too_slow", "The body did not come in time.", headers=_CLOSE)
            await asyncio.wait({waiting}, timeout=min(LOOK_SECONDS, ends - loop.time()))
        return waiting.result()
    finally:
        waiting.cancel()
