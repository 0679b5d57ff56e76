"""Calling the platform as the app: messages, cards, and what it says about the bot itself."""

import hashlib
import json as json_module
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote

from feishu.app_info import AppInfo, parse_app
from feishu.codes import REJECTED_TENANT_TOKEN
from feishu.credentials import AppCredentials
from feishu.errors import InvalidToken, MalformedAnswer, TransportError
from feishu.numbers import integer
from feishu.observation import observed
from feishu.responses import require_code
from feishu.tenant_tokens import TenantTokens, default_tenant_tokens
from feishu.transport import PlatformAnswer, Transport, default_transport
from feishu.turns import in_turn

ReceiveIdType: TypeAlias = Literal["open_id", "union_id", "user_id", "email", "chat_id"]
Json: TypeAlias = Mapping[str, Any]

_PREFIXES: Final[dict[str, ReceiveIdType]] = {"on_": "union_id", "ou_": "open_id", "oc_": "chat_id"}

MAX_CONNECTIONS: Final = 100_000
"""Of one app, whatever is counted: the platform allows 50."""
_SHORTEST: Final = 0.1
"""Seconds that a step gets of a time that has run out."""
MAX_UUID: Final = 50
"""Characters of a message's idempotency key; within an hour the platform sends one message per key."""


def receive_id_type(address: str) -> ReceiveIdType:
    """What kind of address it is, by its look (page "Send message", receive_id_type)."""
    if "@" in address:
        return "email"
    return _PREFIXES.get(address[:3], "user_id")


def agreed_id_type(address: str, said: ReceiveIdType) -> ReceiveIdType:
    """``said``, unless the look of the address contradicts it; a user_id is the company's choice, and may look like an e-mail address.

    Raises ValueError. It saves a call that the platform answers with 230001.
    """
    seen = receive_id_type(address)
    if seen != said and (said, seen) != ("user_id", "email"):
        article = "an" if seen in {"open_id", "email"} else "a"
        raise ValueError(f"receive_id looks like {article} {seen}, receive_id_type says {said}.")
    return said


def message_uuid(*parts: object) -> str:
    """The idempotency key of the message that ``parts`` tell apart from every other: should a process die between sending it and
    noting that, the repetition sends nothing."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:MAX_UUID]


@dataclass(frozen=True, slots=True)
class SentMessage:
    """Where a message ended up."""

    message_id: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class BotInfo:
    """How the bot appears in chats. `activate_status` 2 means enabled (page "Obtain bot info")."""

    name: str
    open_id: str
    avatar_url: str
    activate_status: int


class OpenAPI:
    """Thread-safe. Messages wait for their turn (`feishu.turns`): RateLimited where that takes too long. Every method raises TransportError, MalformedAnswer or an APIError."""

    def __init__(
        self,
        credentials: AppCredentials,
        transport: Transport | None = None,
        tokens: TenantTokens | None = None,
    ) -> None:
        self._credentials = credentials
        self._transport = transport or default_transport(credentials.route)
        self._tokens = tokens or (TenantTokens(transport) if transport else default_tenant_tokens())

    def call(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: Json | None = None
    ) -> dict[str, Any]:
        """The body of the ``answer``."""
        return self.answer(method, path, params=params, json=json).body

    def answer(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Json | None = None,
        timeout: float | None = None,
    ) -> PlatformAnswer:
        """Call any API, `path` beginning with /open-apis/, within `timeout` seconds, the app's token included (15 for each).

        Sent a second time only where the platform rejected the token, that is, did nothing.
        """
        if not path.startswith("/"):
            # Appended to the host as it is, it could name another one, which would get the token.
            raise ValueError(f"not an absolute path: {path!r}")
        url = self._credentials.platform.open_url + path
        until = None if timeout is None else time.monotonic() + timeout

        def left() -> float | None:
            return None if until is None else max(_SHORTEST, until - time.monotonic())

        def attempt(token: str) -> PlatformAnswer:
            with observed(self._credentials.app_id, path):
                return require_code(
                    self._transport.request(
                        method, url, bearer=token, params=params, json=json, timeout=left()
                    )
                )

        token = self._token(left())
        try:
            return attempt(token)
        except InvalidToken as error:
            if error.code not in REJECTED_TENANT_TOKEN:
                raise
            self._tokens.invalidate(self._credentials, token)
        return attempt(self._token(left()))

    def send_message(
        self,
        receive_id: str,
        msg_type: str,
        content: Json,
        *,
        receive_id_type: ReceiveIdType = "open_id",
        uuid: str | None = None,
        timeout: float | None = None,
    ) -> SentMessage:
        """Send a message, within `timeout` seconds (15). `uuid`: at most 50 characters; a repetition within an hour sends
        nothing new."""
        message = {"receive_id": receive_id, "msg_type": msg_type, "content": _compact(content)}
        answer = self._call_in_turn(
            receive_id,
            "POST",
            "/open-apis/im/v1/messages",
            params={"receive_id_type": receive_id_type},
            json=_with_uuid(message, uuid),
            timeout=timeout,
        )
        return _sent(answer)

    def send_text(
        self,
        receive_id: str,
        text: str,
        *,
        receive_id_type: ReceiveIdType = "open_id",
        uuid: str | None = None,
    ) -> SentMessage:
        """Send plain text, at most 150 KB."""
        return self.send_message(
            receive_id, "text", {"text": text}, receive_id_type=receive_id_type, uuid=uuid
        )

    def send_card(
        self,
        receive_id: str,
        card: Json,
        *,
        receive_id_type: ReceiveIdType = "open_id",
        uuid: str | None = None,
        timeout: float | None = None,
    ) -> SentMessage:
        """Send a card, at most 30 KB, within `timeout` seconds (15)."""
        return self.send_message(
            receive_id, "interactive", card, receive_id_type=receive_id_type, uuid=uuid, timeout=timeout
        )

    def reply(
        self,
        message_id: str,
        msg_type: str,
        content: Json,
        *,
        in_thread: bool = False,
        uuid: str | None = None,
    ) -> SentMessage:
        """Answer a message, in its thread if asked."""
        answer = self._call_in_turn(
            message_id,
            "POST",
            f"{_message_path(message_id)}/reply",
            json=_with_uuid(
                {"msg_type": msg_type, "content": _compact(content), "reply_in_thread": in_thread}, uuid
            ),
        )
        return _sent(answer)

    def message(self, message_id: str) -> dict[str, Any]:
        """A message as it stands now (page "Get message content"); needs im:message:readonly or im:message.

        Raises MalformedAnswer where the answer holds none.
        """
        return self.messages(message_id)[0]

    def messages(self, message_id: str, *, timeout: float | None = None) -> list[dict[str, Any]]:
        """A message as it stands now and, of a merged forward, those that are in it, each with its `upper_message_id`, within
        `timeout` seconds (15).

        Raises MalformedAnswer where the answer holds none.
        """
        answer = self.answer("GET", _message_path(message_id), timeout=timeout)
        if not (found := answer.items()):
            raise MalformedAnswer("the answer holds no message", log_id=answer.log_id)
        return found

    def card(self, message_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """A card as it was sent or last changed, within `timeout` seconds (15); needs im:message:readonly or im:message.

        Raises MalformedAnswer for a message that is no card (page "Get message content", card_msg_content_type).
        """
        answer = self.answer(
            "GET",
            _message_path(message_id),
            params={"card_msg_content_type": "user_card_content"},
            timeout=timeout,
        )
        try:
            [message] = answer.data["items"]
            card = json_module.loads(message["body"]["content"])
        except (LookupError, TypeError, ValueError, RecursionError) as error:
            raise MalformedAnswer("the answer holds no card", log_id=answer.log_id) from error
        if message.get("msg_type") != "interactive" or not isinstance(card, dict):
            raise MalformedAnswer("the message is no card", log_id=answer.log_id)
        return card

    def patch_card(self, message_id: str, card: Json, *, timeout: float | None = None) -> None:
        """Replace a card that this app sent less than 14 days ago, within `timeout` seconds (15); no more than 5 times a
        second."""
        self._call_in_turn(
            message_id, "PATCH", _message_path(message_id), json={"content": _compact(card)}, timeout=timeout
        )

    def update_card_by_token(self, token: str, card: Json) -> None:
        """Replace the clicked card with its callback token: within 30 minutes, twice at most.

        Only after the callback itself was answered.
        """
        self.answer("POST", "/open-apis/interactive/v1/card/update", json={"token": token, "card": card})

    def bot_info(self) -> BotInfo:
        """The bot itself; needs no scope, so it proves credentials and bot capability."""
        answer = self.answer("GET", "/open-apis/bot/v3/info")
        bot = answer.body.get("bot")
        if not isinstance(bot, dict) or not bot.get("open_id"):
            raise MalformedAnswer("the answer describes no bot", log_id=answer.log_id)
        return BotInfo(
            name=str(bot.get("app_name") or ""),
            open_id=str(bot["open_id"]),
            avatar_url=str(bot.get("avatar_url") or ""),
            activate_status=integer(bot.get("activate_status")) or 0,
        )

    def connection_count(self) -> int | None:
        """Long connections of this app that the platform sees online; None where it gives no number that could be true."""
        count = integer(self.answer("GET", "/open-apis/event/v1/connection").data.get("online_instance_cnt"))
        return count if count is not None and 0 <= count <= MAX_CONNECTIONS else None

    def application(self, *, timeout: float | None = None) -> AppInfo:
        """The app as the developer console has it (page "Obtain app info").

        Raises MissingScope where neither application:application:self_manage nor admin:app.info:readonly is enabled.
        """
        path = "/open-apis/application/v6/applications/me"
        answer = self.answer("GET", path, params={"lang": "zh_cn"}, timeout=timeout)
        app = answer.data.get("app")
        if not isinstance(app, dict) or not app.get("app_id"):
            raise MalformedAnswer("the answer describes no app", log_id=answer.log_id)
        return parse_app(app)

    def _call_in_turn(self, target: str, method: str, path: str, **options: Any) -> PlatformAnswer:
        """A call that the platform takes five times a second for one chat, person or message."""
        return in_turn(self._credentials.app_id, target, lambda: self.answer(method, path, **options))

    def _token(self, timeout: float | None) -> str:
        try:
            return self._tokens.get(self._credentials, timeout=timeout)
        except (TransportError, MalformedAnswer) as error:
            # What may have arrived is the question for a token: the call itself was never made.
            error.sent = "no"
            raise


def _message_path(message_id: str) -> str:
    return f"/open-apis/im/v1/messages/{quote(message_id, safe='')}"


def _compact(content: Json) -> str:
    return json_module.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _with_uuid(message: dict[str, Any], uuid: str | None) -> dict[str, Any]:
    if uuid is None:
        return message
    if not 0 < len(uuid) <= MAX_UUID:
        raise ValueError(f"a message's uuid has 1 to {MAX_UUID} characters")
    return {**message, "uuid": uuid}


def _sent(answer: PlatformAnswer) -> SentMessage:
    message_id = answer.data.get("message_id")
    if not isinstance(message_id, str) or not message_id:
        raise MalformedAnswer("the answer holds no message_id", log_id=answer.log_id)
    return SentMessage(message_id, str(answer.data.get("chat_id") or ""))
