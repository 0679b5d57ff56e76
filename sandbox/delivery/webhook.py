"""HTTP delivery: encrypted and signed when the app has an Encrypt Key, as compact JSON.

Pages "Send notifications to developer's server" and "Encrypt Key encryption configuration": 2 s to connect,
3 s for the answer, 1 s for the challenge, redirects are not followed.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import httpx2
import msgspec

from feishu.cancellation import CancellableTransport
from feishu.encryption import encrypt
from feishu.signatures import event_signature
from sandbox.config import AppConfig
from sandbox.delivery.envelopes import challenge
from sandbox.strange_json import parse_json
from sandbox.world.deliveries import AppAnswer, Outcome

CONNECT_SECONDS = 2.0
CHALLENGE_SECONDS = 1.0
_AT_ONCE = 100
_LONGEST_ANSWER = 64 * 1024


class Webhook:
    """Posts payloads to the URL of an app."""

    def __init__(self) -> None:
        # As many as the client has connections; a deadline runs from when there is one.
        self.slots = asyncio.Semaphore(_AT_ONCE)
        # The environment's proxies are for the Internet; an app under test is next door.
        transport = CancellableTransport(httpx2.AsyncHTTPTransport(trust_env=False))
        self._client = httpx2.AsyncClient(transport=transport, trust_env=False, follow_redirects=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def post(
        self,
        app: AppConfig,
        url: str,
        payload: bytes,
        *,
        callback: bool,
        seconds: float,
        breaks_off: bool = False,
    ) -> AppAnswer:
        """One delivery. For a callback `data` is the response body, and HTTP statuses count as codes.

        `breaks_off`: half of the body is sent, then the line is cut.
        """
        try:
            response = await self._send(
                app, url, payload, seconds=seconds, signed=True, breaks_off=breaks_off
            )
        except _BrokenOff:
            return AppAnswer("closed")
        except (httpx2.TimeoutException, TimeoutError):
            return AppAnswer("timeout")
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return AppAnswer("unreachable")
        outcome: Outcome = "acked" if response.status_code == 200 else "refused"
        body = response.content[:_LONGEST_ANSWER] if callback else None
        return AppAnswer(outcome, response.status_code, body)

    async def verify(self, app: AppConfig, url: str) -> str:
        """Ask the URL to return a challenge; "" when it does, else what is wrong."""
        expected, body = challenge(app)
        try:
            response = await self._send(app, url, body, seconds=CHALLENGE_SECONDS, signed=False)
        except (httpx2.TimeoutException, TimeoutError):
            return "no answer within 1 second"
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return f"not reachable: {type(error).__name__}"
        if response.status_code != 200:
            return f"HTTP {response.status_code}"
        try:
            returned = parse_json(response.content).get("challenge")
        except (ValueError, AttributeError):
            return "the answer is not a JSON object"
        return "" if returned == expected else "the challenge was not returned"

    async def _send(
        self,
        app: AppConfig,
        url: str,
        payload: bytes,
        *,
        seconds: float,
        signed: bool,
        breaks_off: bool = False,
    ) -> httpx2.Response:
        headers = {"Content-Type": "application/json;charset=utf-8"}
        body = payload
        if app.encrypt_key:
            body = msgspec.json.encode({"encrypt": encrypt(app.encrypt_key, payload)})
            if signed:
                headers |= _signature(app.encrypt_key, body)
        timeout = httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
        async with asyncio.timeout(seconds):
            if breaks_off:
                headers["Content-Length"] = str(len(body))
                return await self._client.post(url, content=_half(body), headers=headers, timeout=timeout)
            return await self._client.post(url, content=body, headers=headers, timeout=timeout)


class _BrokenOff(Exception):
    """Ends a body before its announced length."""


async def _half(body: bytes) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    raise _BrokenOff


def _signature(encrypt_key: str, body: bytes) -> dict[str, str]:
    timestamp, nonce = str(int(time.time())), secrets.token_hex(8)
    return {
        "X-Lark-Request-Timestamp": timestamp,
        "X-Lark-Request-Nonce": nonce,
        "X-Lark-Signature": event_signature(timestamp, nonce, encrypt_key, body),
    }
