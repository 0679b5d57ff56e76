"""Sign-ins wait for their turn before Django sees them: each takes a thread, a database connection and the processor.

Those who wait here hold none of these. A browser that has signed in before has a turn of its own, so that strangers cannot
keep its operator out by guessing passwords.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self

from django.urls import reverse
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from core.access.sign_in import is_known_browser
from core.background.limits import ConcurrencyLimits
from core.background.per_loop import PerLoop
from core.remote_address import network_of
from feishu_portal.front.pages import page

AT_ONCE: Final = 2
"""Sign-ins from browsers that are not known; one more from those that are."""
MAX_WAITING: Final = 100
"""At once in one process, with those that have their turn; a quarter of them from one address."""
PATIENCE: Final = 5.0  # seconds
SIGNING_IN: Final = ("admin:login", "second-step", "passkey-options", "passkey-sign-in", "feishu-sign-in")
"""Names of the addresses whose posts wait for their turn."""


class SignInsBusyError(Exception):
    """There are too many sign-ins; this one did not begin."""


class SignInTurns:
    """The turns of one event loop. An async context manager, to be kept for a loop."""

    def __init__(self) -> None:
        self._strangers = asyncio.Semaphore(AT_ONCE)
        self._known = asyncio.Semaphore(1)
        self._waiting = {True: ConcurrencyLimits(), False: ConcurrencyLimits()}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Nothing is left to close: requests end before their loop."""

    @asynccontextmanager
    async def turn(self, peer: str, *, is_known: bool) -> AsyncIterator[None]:
        """The block has its turn. Raises SignInsBusyError."""
        turns = self._known if is_known else self._strangers
        with self._waiting[is_known].fair_place(peer, limit=MAX_WAITING, full=SignInsBusyError()):
            try:
                async with asyncio.timeout(PATIENCE):
                    await turns.acquire()
            except TimeoutError:
                raise SignInsBusyError from None
            try:
                yield
            finally:
                turns.release()


class SignInsInTurn:
    """An ASGI application that lets few sign-ins at once through; answers 429 itself."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self._turns = PerLoop(SignInTurns, name="sign-ins")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if scope["method"] != "POST" or path not in map(reverse, SIGNING_IN):
            await self._application(scope, receive, send)
            return
        request = Request(scope)
        turns = await self._turns.current()
        try:
            peer = network_of(request.client.host if request.client else "")
            async with turns.turn(peer, is_known=is_known_browser(request.cookies)):
                await self._application(scope, receive, send)
        except SignInsBusyError:
            headers = {"Retry-After": f"{PATIENCE:.0f}", "Cache-Control": "no-store"}
            await page(scope, 429, headers, seconds=round(PATIENCE))(scope, receive, send)

    async def close(self) -> None:
        """Close what this event loop opened."""
        await self._turns.close()
