"""Reading the body of a request within a size and a time."""

import asyncio

from starlette.requests import Request

from events.ingress.webhook.refusals import TOO_LARGE, TOO_SLOW, Refused


async def read_body(request: Request, *, limit: int, seconds: float) -> bytes:
    """At most ``limit`` bytes within ``seconds``; raises Refused, or ClientDisconnect when the caller went away."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise Refused(TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise Refused(TOO_LARGE)
    except TimeoutError:
        raise Refused(TOO_SLOW) from None
    return bytes(body)
