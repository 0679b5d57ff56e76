"""What calls share while they are under way. One desk for each event loop."""

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, TypeVar

from django.conf import settings
from django.db import Error
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from auth_sessions.domain.tokens.broker import report_rejected
from auth_sessions.domain.tokens.refresh_wait import read_grant
from auth_sessions.models import UserToken
from core.background.limits import ConcurrencyLimits
from feishu.relay import Relay
from feishu_portal.api.problems import Problem
from feishu_portal.api.proxy.admission import Admitted, Asked
from feishu_portal.api.proxy.admission_batcher import Admissions
from feishu_portal.api.proxy.app_tokens import AppTokens
from feishu_portal.api.proxy.audit_writer import Endings
from feishu_portal.api.proxy.call import Call
from feishu_portal.api.proxy.rate_limits import Pauses
from feishu_portal.api.proxy.target import read_target
from feishu_portal.api.proxy.upload import Upload
from feishu_portal.api.refresh_wait import await_refresh, refresh_in_progress

T = TypeVar("T")

TOTAL_SECONDS = 3600.0  # of one call
EVERYBODY: Final = ""
FALL_BACK: Final = b"app"


class Desk:
    """Serves calls until it is closed, or until its loop ends and cancels it."""

    def __init__(self) -> None:
        self.relay = Relay()
        self.app_tokens = AppTokens()
        self.endings = Endings()
        self.pauses = Pauses()
        self._admissions = Admissions()
        self._room = ConcurrencyLimits()
        self._closing = asyncio.Event()
        self.keeper = asyncio.create_task(self._keep_open(), name="proxy-desk")

    async def _keep_open(self) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.endings.close)
            stack.push_async_callback(self._admissions.close)
            stack.push_async_callback(self.relay.close)
            stack.callback(self.app_tokens.close)
            for work in (self._admissions.work_for_ever(), self.endings.write_for_ever()):
                task = asyncio.create_task(work, name="proxy-database")
                stack.callback(task.cancel)
            await self._closing.wait()

    async def close(self) -> None:
        self._closing.set()
        await self.keeper

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises Problem as long as no answer has begun, ClientDisconnect when nobody wants one."""
        target, headers = read_target(scope), list(scope["headers"])
        named = dict(headers)
        asked = Asked(
            key=_bearer(named.get(b"authorization", b"")),
            target=target,
            tenant_key=named.get(b"feishu-portal-tenant", b"").decode("latin-1")[:64],
            fall_back=named.get(b"feishu-portal-fallback", b"").lower() == FALL_BACK,
        )
        caller = hashlib.sha256(asked.key.encode()).hexdigest()
        everybody = self._room.place(EVERYBODY, limit=settings.PROXY_CALLS, full=_overloaded())
        own = self._room.place(caller, limit=settings.PROXY_CLIENT_CALLS, full=_too_many())
        with everybody, own:
            async with asyncio.timeout(TOTAL_SECONDS):
                upload = Upload(receive, headers)
                admitted = await self.admit(asked)
                call = Call(self, asked, admitted, headers=headers, upload=upload, send=send)
                await _while_wanted(call, upload)

    async def admit(self, asked: Asked) -> Admitted:
        """The call, admitted, after the refresh it may need. Raises Problem."""
        admitted = await _twice(partial(self._admissions.submit, asked, may_wait=True))
        if isinstance(admitted, UserToken):
            await await_refresh(admitted, partial(self._run, partial(read_grant, admitted.pk)))
            admitted = await _twice(partial(self._admissions.submit, asked, may_wait=False))
        if isinstance(admitted, UserToken):
            raise refresh_in_progress(admitted)
        return admitted

    async def admit_again(self, asked: Asked, rejected: Admitted) -> Admitted | None:
        """The call with a newer token of the same person, refreshed for it if need be; None where there is none."""
        if rejected.grant is None:
            return None
        pk, generation = rejected.grant.pk, rejected.grant.generation
        grant = await self._run(partial(report_rejected, pk, generation))
        if grant is not None and grant.generation == generation:
            grant = await await_refresh(grant, partial(self._run, partial(read_grant, pk)))
        if grant is None or grant.generation == generation:
            return None
        try:
            again = await self.admit(asked)
        except Problem:
            return None
        return again

    async def _run(self, function: Callable[[], T]) -> T:
        return await _twice(partial(self._admissions.run, function))


async def _twice(question: Callable[[], Awaitable[T]]) -> T:
    """What the database says; asked a second time where the first found that the connection had broken."""
    with contextlib.suppress(Error):
        return await question()
    try:
        return await question()
    except Error:
        raise Problem(503, "database_away", "The portal's database does not answer.", sent="no") from None


async def _while_wanted(call: Call, upload: Upload) -> None:
    """Run the call for as long as the caller is there."""
    running, leaving = asyncio.ensure_future(call.run()), asyncio.ensure_future(upload.gone())
    try:
        await asyncio.wait({running, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done() and not call.is_answered:
            raise ClientDisconnect
        await running
    finally:
        for task in (running, leaving):
            task.cancel()
        await asyncio.gather(running, leaving, return_exceptions=True)


def _bearer(header: bytes) -> str:
    scheme, _, key = header.decode("latin-1").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _too_many() -> Problem:
    detail = "This API client has as many calls under way as it may."
    return Problem(429, "too_many_calls", detail, sent="no", headers={"Retry-After": "1"})


def _overloaded() -> Problem:
    detail = "The portal relays as many calls as it can."
    return Problem(503, "overloaded", detail, sent="no", headers={"Retry-After": "1"})
