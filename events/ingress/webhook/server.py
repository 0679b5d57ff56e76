"""What a webhook request needs while it is served: doors, inbox, callback lane. One desk for each event loop."""

import asyncio
import json
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import TypeVar

from django.conf import settings
from django.db import Error
from starlette.requests import Request

from core.background.limits import ConcurrencyLimits
from core.vault.keyring import SealedValueError
from events.clicks.responder import BUDGET, CallbackLane, again
from events.enums import Arrived
from events.ingress.incoming import arrival
from events.ingress.webhook.body import read_body
from events.ingress.webhook.bots import Door, Doors
from events.ingress.webhook.refusals import (
    ALL_BUSY,
    BOT_BUSY,
    NO_SUCH_DOOR,
    NOT_POST,
    NOT_STORED,
    SECRETS_SEALED,
    Refusal,
    RefusalLog,
    Refused,
)
from events.ingress.webhook.verification import Secrets, Signature, examine
from events.ingress.writer import Intake
from feishu.envelope import OLD_CARD_CALLBACK, Challenge

T = TypeVar("T")

BODY_SECONDS = 2.0
STORE_SECONDS = 2.5  # from the request's first line; the platform gives up after 3 and pushes again
SUCCESS = b'{"msg":"success"}'
NOTHING_TO_SAY = b"{}"
EVERYBODY = ""  # no App ID


class Desk:
    """Serves requests until it is closed, or until its loop ends and cancels it: either way in order.

    Nothing acknowledged hangs on that order: an answer leaves after its commit.
    """

    def __init__(self) -> None:
        self._doors = Doors()
        self._callbacks = CallbackLane()
        self._intake = Intake()
        self._room = ConcurrencyLimits()
        self._refusals = RefusalLog()
        self._closing = asyncio.Event()
        self.keeper = asyncio.create_task(self._keep_open(), name="webhook-desk")

    async def _keep_open(self) -> None:
        async with AsyncExitStack() as stack:
            stack.callback(self._refusals.write)
            stack.push_async_callback(self._doors.close)
            stack.push_async_callback(self._callbacks.close)
            await stack.enter_async_context(self._intake)
            await self._closing.wait()

    async def close(self) -> None:
        self._closing.set()
        await self.keeper

    def note(self, refusal: Refusal, app_id: str) -> None:
        """Count a refusal for the log, where only App IDs of ours are repeated: an address may hold anything."""
        self._refusals.add(refusal, app_id=app_id if self._doors.knows(app_id) else "")

    async def serve(self, app_id: str, request: Request) -> bytes:
        """The JSON that answers ``request`` with status 200. Raises Refused."""
        if request.method != "POST":
            raise Refused(NOT_POST)
        arrived = time.monotonic()
        with self._room.place(EVERYBODY, limit=settings.WEBHOOK_REQUESTS, full=Refused(ALL_BUSY)):
            door = await _in_time(self._doors.find(app_id), arrived)
            if door is None or not door.is_open:
                raise Refused(NO_SUCH_DOOR)
            with self._room.place(app_id, limit=settings.WEBHOOK_BOT_REQUESTS, full=Refused(BOT_BUSY)):
                body = await read_body(request, limit=settings.WEBHOOK_MAX_BYTES, seconds=BODY_SECONDS)
                said = examine(body, signature=_signature(request), secrets=_secrets(door))
                if isinstance(said, Challenge):
                    return json.dumps({"challenge": said.challenge}).encode()
                return await self._receive(door, said, arrived)

    async def _receive(self, door: Door, payload: bytes, arrived: float) -> bytes:
        one = arrival(bot_id=door.bot_id, payload=payload, arrived_by=Arrived.WEBHOOK)
        stored = await _in_time(self._intake.submit(one), arrived)
        if not one.is_callback:
            return SUCCESS
        if stored.event_pk is None:
            return again(one)
        left = BUDGET - (time.monotonic() - arrived)
        answer = await self._callbacks.answer(stored.event_pk, one, budget=left)
        # Toasts and cards of today are no answer to the callback of old.
        return NOTHING_TO_SAY if one.event_type == OLD_CARD_CALLBACK else answer


async def _in_time(work: Awaitable[T], arrived: float) -> T:
    """What the database says, before the platform gives up."""
    try:
        async with asyncio.timeout(STORE_SECONDS - (time.monotonic() - arrived)):
            return await work
    except (Error, TimeoutError):
        raise Refused(NOT_STORED) from None


def _secrets(door: Door) -> Secrets:
    try:
        return door.secrets
    except SealedValueError:
        raise Refused(SECRETS_SEALED) from None


def _signature(request: Request) -> Signature:
    return Signature(
        value=request.headers.get("x-lark-signature", ""),
        timestamp=request.headers.get("x-lark-request-timestamp", ""),
        nonce=request.headers.get("x-lark-request-nonce", ""),
    )
