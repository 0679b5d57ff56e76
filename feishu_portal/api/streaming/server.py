"""Streams of one event loop: who asks, for whom the reply is, and how many there are at once."""

import re
from functools import partial
from typing import Any, Final, Self, get_args
from urllib.parse import parse_qs

from django.db import Error
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from bots.enums import SendingKind
from bots.errors import BotDisabledError, SendingError
from bots.models import Bot
from bots.sending.content import Outgoing
from bots.streaming.records import Author
from bots.streaming.service import Streamed, TakenOverError, stream
from core.access.actors import Actor
from core.access.api_keys import client_of
from core.access.models import ApiClient
from core.access.scopes import Scope as May
from core.background.limits import ConcurrencyLimits
from core.database.thread import DatabaseThread
from core.log_context import add_to_log, add_to_request
from core.remote_address import normal_address
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError
from feishu.openapi import ReceiveIdType, agreed_id_type, receive_id_type
from feishu_portal.api.endpoint import asked
from feishu_portal.api.keys import bearer, bot_for, permitted
from feishu_portal.api.messages import sending_problem
from feishu_portal.api.problems import Problem, database_unavailable, not_found, overloaded, unauthenticated
from feishu_portal.api.streaming.lines import TextLines
from feishu_portal.api.streaming.upload import read_texts

ROUTE: Final = "/api/v1/bots/<bot_id>/messages/stream"
_PATH: Final = re.compile(r"/api/v1/bots/([^/]{1,100})/messages/stream")
MAX_STREAMS: Final = 64
"""Under way in one process; of one client and of one bot a quarter."""
STATEMENT_SECONDS: Final = 5.0
KINDS: Final[tuple[ReceiveIdType, ...]] = get_args(ReceiveIdType)
_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_KEY: Final = re.compile(r"[\x20-\x7e]{0,255}")
EVENTS: Final = "text/event-stream"


def is_stream(scope: Scope, route: str) -> bool:
    """Whether the request is one for this server; ``route`` is its path."""
    return scope["method"] == "POST" and _PATH.fullmatch(route) is not None


class StreamServer:
    """An async context manager, to be kept for a loop."""

    def __init__(self) -> None:
        self._database = DatabaseThread("streams", patience=STATEMENT_SECONDS)
        self._limits = ConcurrencyLimits()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._database.close()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Problem, or ClientDisconnect when the caller went away."""
        add_to_request(route=ROUTE)
        match = _PATH.fullmatch(scope["path"].removeprefix(scope.get("root_path", "")))
        if match is None:
            raise not_found("path")
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        key = headers.get(b"idempotency-key", "")
        bearing = bearer(headers.get(b"authorization", ""))
        client, bot = await asked(self._database, partial(_admitted, bearing, match[1]))
        to = addressee(scope["query_string"])
        if not _KEY.fullmatch(key):
            raise _invalid("header.Idempotency-Key", "It has at most 255 printable characters of ASCII.")
        actor = Actor.api(client).at(normal_address(scope["client"][0] if scope.get("client") else ""))
        lines = TextLines(events=headers.get(b"content-type", "").lower().startswith(EVENTS))
        full = overloaded("Too many replies are being streamed at once.")
        with self._limits.fair_place(client.pk, bot.pk, limit=MAX_STREAMS, full=full):
            texts = read_texts(receive, lines)
            streamed = await _streamed(stream(bot=bot, to=to, texts=texts, author=Author.client(actor, key)))
        # Of a repetition the body was not read, so its connection serves no other request.
        replayed = {"Idempotency-Replayed": "true", "Connection": "close"} if streamed.is_repeated else {}
        answer = JSONResponse(body_of(streamed), 201, {"Cache-Control": "no-store", **replayed})
        await answer(scope, receive, send)


async def _streamed(streaming: Any) -> Streamed:
    try:
        streamed: Streamed = await streaming
    except TakenOverError:
        detail = "Another request with this Idempotency-Key writes the reply now."
        raise Problem(409, "request_in_progress", detail, headers={"Retry-After": "5"}) from None
    except (SendingError, BotDisabledError, SealedValueError, FeishuError) as error:
        raise sending_problem(error) from error
    except Error:
        raise database_unavailable() from None
    return streamed


def body_of(streamed: Streamed) -> dict[str, Any]:
    """What the caller reads."""
    return {
        "outcome": streamed.state.value,
        "shown_as": streamed.way.value,
        "message_ids": streamed.messages,
        "chat_id": streamed.chat_id,
        "characters": streamed.characters,
    }


def _admitted(key: str, bot_id: str) -> tuple[ApiClient, Bot]:
    client = client_of(key) if key else None
    if client is None:
        raise unauthenticated()
    permitted(client, May.MESSAGES_SEND)
    bot = bot_for(client, bot_id)
    add_to_log(app_id=bot.app_id, client=client.name)
    return client, bot


def addressee(query: bytes) -> Outgoing:
    """Whom the query names. Raises Problem."""
    fields = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    values = {name: given[-1] for name, given in fields.items()}
    to, answered = values.get("receive_id", ""), values.get("reply_to", "")
    if bool(to) == bool(answered):
        raise _invalid("query.receive_id", "Say receive_id, or reply_to.")
    if not _ID.fullmatch(to or answered):
        raise _invalid(f"query.{'receive_id' if to else 'reply_to'}", "It is no id.")
    if answered:
        in_thread = values.get("reply_in_thread", "false")
        if in_thread not in {"true", "false"}:
            raise _invalid("query.reply_in_thread", "It is true or false.")
        return Outgoing(kind=SendingKind.REPLY, target=answered, content={}, in_thread=in_thread == "true")
    said = values.get("receive_id_type") or receive_id_type(to)
    kind = next((known for known in KINDS if known == said), None)
    if kind is None:
        raise _invalid("query.receive_id_type", f"It is one of {', '.join(KINDS)}.")
    try:
        agreed = agreed_id_type(to, kind)
    except ValueError as error:
        raise _invalid("query.receive_id_type", str(error)) from None
    return Outgoing(kind=SendingKind.MESSAGE, target=to, receive_id_type=agreed, content={})


def _invalid(where: str, message: str) -> Problem:
    errors = [{"where": where, "message": message}]
    return Problem(422, "invalid_request", "The request does not fit the description.", errors=errors)
