"""Serving webhook requests: the bot, the body, its verification, then the way every event goes."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack
from typing import Self, TypeVar

from django.conf import settings
from django.db import Error
from starlette.requests import Request

from bots.metrics import name_bot
from core.background.limits import ConcurrencyLimits
from core.background.request_bodies import BodyReader, BodyTooLargeError, BodyTooSlowError
from core.database.thread import DatabaseThread
from core.log_context import add_to_log
from core.log_pace import LogPace
from core.vault.keyring import SealedValueError
from events import metrics
from events.clicks.responder import CallbackResponder
from events.enums import Arrived
from events.ingress.incoming import read_event
from events.ingress.receive import ACKNOWLEDGED, NOT_STORED, Receiver
from events.ingress.webhook import refusals
from events.ingress.webhook.bots import WebhookBot, WebhookBots
from events.ingress.webhook.rates import BotRates
from events.ingress.webhook.refusals import Refusal, Refused, log_refusal
from events.ingress.webhook.usage import WebhookUsage
from events.ingress.webhook.verification import Push, Secrets, Signature, examine
from events.ingress.writer import Intake
from feishu.envelope import Challenge
from feishu.platform_clock import platform_clock

T = TypeVar("T")

BODY_SECONDS = 2.0
FIRST_BYTE_SECONDS = 1.0
DATABASE_SECONDS = 2.5
"""From the request's first line; the platform gives up after 3 and pushes again."""
SUCCESS = b'{"msg":"success"}'
ALL_BOTS = ""
"""In the place of an App ID."""
STRANGERS = Secrets(secrets.token_urlsafe(), secrets.token_urlsafe())
"""For requests to a bot that there is not: they are refused by the same way as those to one that there is."""


class WebhookServer:
    """Serves the requests of one event loop. Use as an async context manager."""

    def __init__(self) -> None:
        self._database = DatabaseThread("webhook")
        self._bots = WebhookBots(self._database)
        self._receiver = Receiver(Intake(), CallbackResponder())
        self._bodies = BodyReader()
        self._requests = ConcurrencyLimits()
        self._rates = BotRates()
        self._refusals = LogPace[tuple[str, Refusal]]()
        self._usage = WebhookUsage(self._database)
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._closing.callback(self._log_rest_of_refusals)
        self._closing.push_async_callback(self._database.close)
        await self._closing.enter_async_context(self._usage)
        self._closing.callback(self._bots.close)
        await self._closing.enter_async_context(self._receiver)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._closing.aclose()

    def count_refusal(self, refusal: Refusal, app_id: str) -> None:
        """A line a minute of each bot and reason, where only App IDs of ours are repeated: an address may hold anything. What
        may have been a push also counts on the bot's page."""
        bot = self._bots.known(app_id)
        named = "" if bot is None else app_id
        if (unlogged := self._refusals.admits((named, refusal))) is not None:
            log_refusal(refusal, app_id=named, requests=unlogged + 1)
        metrics.count_webhook_refusal(None if bot is None else bot.bot_id, refusal.reason)
        if bot is not None and refusal is not refusals.NOT_POST:
            self._usage.refused(bot.bot_id, refusal)

    def _log_rest_of_refusals(self) -> None:
        for (app_id, refusal), unlogged in self._refusals.rest():
            log_refusal(refusal, app_id=app_id, requests=unlogged)

    async def serve(self, app_id: str, request: Request) -> bytes:
        """The JSON that answers ``request`` with status 200. Raises Refused."""
        if request.method != "POST":
            raise Refused(refusals.NOT_POST)
        received_at = time.monotonic()
        # Before it is known who calls, so a body under way takes no place of a bot's.
        try:
            body = await self._bodies.read(
                request,
                limit=settings.WEBHOOK_MAX_BYTES,
                places=settings.WEBHOOK_REQUESTS,
                seconds=BODY_SECONDS,
                first_seconds=FIRST_BYTE_SECONDS,
            )
        except BodyTooLargeError:
            raise Refused(refusals.TOO_LARGE) from None
        except BodyTooSlowError:
            raise Refused(refusals.TOO_SLOW) from None
        bot = await _in_time(self._bots.find(app_id), received_at)
        if bot is not None:
            add_to_log(app_id=bot.app_id, bot=str(bot.bot_id))
        pushed = _examine(body, request.headers, bot)
        if isinstance(pushed, Challenge):
            return json.dumps({"challenge": pushed.challenge}).encode()
        if bot is None:
            raise Refused(refusals.NO_WEBHOOK_BOT)
        if ends_at := bot.rotation_ends_at:
            self._usage.proved(bot.bot_id, pushed.proofs, ends_at)
        if not (pushed.envelope and pushed.envelope.is_callback) and not self._rates.take(bot.bot_id):
            raise Refused(refusals.BOT_TOO_FAST)
        with (
            self._requests.place(ALL_BOTS, limit=settings.WEBHOOK_REQUESTS, full=Refused(refusals.ALL_BUSY)),
            self._requests.place(
                app_id, limit=settings.WEBHOOK_BOT_REQUESTS, full=Refused(refusals.BOT_BUSY)
            ),
        ):
            return await self._receive(bot, pushed, received_at)

    async def _receive(self, bot: WebhookBot, push: Push, received_at: float) -> bytes:
        name_bot(bot.bot_id, bot.app_id)
        event = read_event(
            bot_id=bot.bot_id, payload=push.payload, arrived_by=Arrived.WEBHOOK, envelope=push.envelope
        )
        add_to_log(event_id=event.event_id)
        reply = await _in_time(self._receiver.receive(event, received_at=received_at), received_at)
        if reply == NOT_STORED:
            raise Refused(refusals.NOT_STORED)
        if not event.is_callback:
            metrics.count_webhook_answer(time.monotonic() - received_at)
        return SUCCESS if reply == ACKNOWLEDGED else reply.data or b"{}"


def _examine(body: bytes, headers: Mapping[str, str], bot: WebhookBot | None) -> Challenge | Push:
    signature = Signature(
        value=headers.get("x-lark-signature", ""),
        timestamp=headers.get("x-lark-request-timestamp", ""),
        nonce=headers.get("x-lark-request-nonce", ""),
    )
    is_served = bot is not None and bot.is_served
    try:
        known = bot.secrets if bot is not None and is_served else STRANGERS
        app_id = bot.app_id if bot is not None else ""
        now = time.time() + platform_clock.correction()
        return examine(body, signature=signature, secrets=known, app_id=app_id, now=now)
    except SealedValueError:
        raise Refused(refusals.SECRETS_SEALED) from None
    except Refused:
        if is_served:
            raise
        raise Refused(refusals.NO_WEBHOOK_BOT) from None


async def _in_time(work: Awaitable[T], received_at: float) -> T:
    """What waits for the database, given up before the platform gives up."""
    try:
        async with asyncio.timeout(DATABASE_SECONDS - (time.monotonic() - received_at)):
            return await work
    except (Error, TimeoutError):
        raise Refused(refusals.NOT_STORED) from None
