"""Calling the platform as the app: messages, cards, and what it says about the bot itself."""

import json as json_module
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar
from urllib.parse import quote

from feishu.app_info import AppInfo, parse_app
from feishu.codes import REJECTED_TENANT_TOKEN
from feishu.credentials import AppCredentials
from feishu.errors import InvalidToken, MalformedAnswer, TransportError
from feishu.numbers import integer
from feishu.observation import observed
from feishu.people import Department, Profile
from feishu.responses import require_code
from feishu.tenant_tokens import TenantTokens, default_tenant_tokens
from feishu.transport import Answer, Transport, default_transport
from feishu.turns import in_turn

ReceiveIdType: TypeAlias = Literal["open_id", "union_id", "user_id", "email", "chat_id"]
Json: TypeAlias = Mapping[str, Any]
T = TypeVar("T")

_PREFIXES: Final[dict[str, ReceiveIdType]] = {"on_": "union_id", "ou_": "open_id", "oc_": "chat_id"}

MAX_CONNECTIONS: Final = 100_000
"""Of one app, whatever is counted: the platform allows 50."""
MAX_PEOPLE: Final = 50
"""Open_ids in one question (page "Obtain user list")."""
MAX_PAGE: Final = 50
"""Entries of one page of a department's people or sub-departments."""
MAX_CHATS: Final = 100
"""Chats in one page."""
MAX_UUID: Final = 50
"""Characters of a message's idempotency key; within an hour the platform sends one message per key."""


def receive_id_type(address: str) -> ReceiveIdType:
    """What kind of address it is, by its look (page "Send message", receive_id_type)."""
    if "@" in address:
        return "email"
    return _PREFIXES.get(address[:3], "user_id")


@dataclass(frozen=True, slots=True)
class SentMessage:
    """Where a message ended up."""

    message_id: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class ChatInfo:
    """A group that the bot is in."""

    chat_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; `next_token` asks for the next one, and is empty at the end."""

    items: list[T]
    next_token: str = ""


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
        """Call any API, `path` beginning with /open-apis/; the body of the answer.

        Sent a second time only where the platform rejected the token, that is, did nothing.
        """
        return self._call(method, path, params=params, json=json).body

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
        answer = self._call("GET", _message_path(message_id), timeout=timeout)
        items = answer.data.get("items")
        found = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        if not found:
            raise MalformedAnswer("the answer holds no message", log_id=answer.log_id)
        return found

    def card(self, message_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """A card as it was sent or last changed, within `timeout` seconds (15); needs im:message:readonly or im:message.

        Raises MalformedAnswer for a message that is no card (page "Get message content", card_msg_content_type).
        """
        answer = self._call(
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
        self._call("POST", "/open-apis/interactive/v1/card/update", json={"token": token, "card": card})

    def open_id_of(self, person: str, *, timeout: float | None = None) -> str:
        """The open_id, for this app, of the person with this union_id, user_id or e-mail address, told apart by their look,
        within `timeout` seconds (15); empty where the platform knows none.

        An address needs contact:user.id:readonly, the others contact:contact.base:readonly (page "Obtain single user
        information").
        """
        kind = receive_id_type(person)
        if kind == "email":
            return self.open_id_at(person, timeout=timeout)
        path = f"/open-apis/contact/v3/users/{quote(person, safe='')}"
        answer = self._call("GET", path, params={"user_id_type": kind}, timeout=timeout)
        return _open_id(answer.data.get("user"), "open_id")

    def open_id_at(self, address: str, *, timeout: float | None = None) -> str:
        """The open_id, for this app, of the person with this e-mail address or phone number (+ and the country's code outside
        of China), within `timeout` seconds (15); empty where the platform knows none.

        Needs contact:user.id:readonly (page "Obtain user ID via email or mobile number").
        """
        listed = self._ids_at([address], timeout=timeout)
        return _open_id(listed[0] if listed else None, "user_id")

    def open_ids_at(self, addresses: Sequence[str], *, timeout: float | None = None) -> dict[str, str]:
        """The same for at most ``MAX_PEOPLE`` addresses, by address; those that the platform does not know are left out."""
        wanted = {address.casefold(): address for address in addresses}
        found: dict[str, str] = {}
        for one in self._ids_at(addresses, timeout=timeout):
            said = one.get("email") or one.get("mobile")
            address = wanted.get(said.casefold()) if isinstance(said, str) else None
            if address is not None and (open_id := _open_id(one, "user_id")):
                found.setdefault(address, open_id)
        return found

    def _ids_at(self, addresses: Sequence[str], *, timeout: float | None) -> list[dict[str, Any]]:
        emails = [address for address in addresses if "@" in address]
        mobiles = [address for address in addresses if "@" not in address]
        kinds = {"emails": emails, "mobiles": mobiles}
        answer = self._call(
            "POST",
            "/open-apis/contact/v3/users/batch_get_id",
            params={"user_id_type": "open_id"},
            json={kind: listed for kind, listed in kinds.items() if listed},
            timeout=timeout,
        )
        return _items(answer, "user_list")

    def people(self, open_ids: Sequence[str], *, timeout: float | None = None) -> list[Profile]:
        """Who these open_ids are, at most ``MAX_PEOPLE``, within `timeout` seconds (15). People outside the app's contact
        range are left out.

        Needs contact:contact.base:readonly, and for names contact:user.base:readonly (page "Obtain user list").
        """
        answer = self._call(
            "GET",
            "/open-apis/contact/v3/users/batch",
            params={"user_ids": list(open_ids), "user_id_type": "open_id"},
            timeout=timeout,
        )
        return [Profile.of_user(item) for item in _items(answer)]

    def people_in(
        self, open_department_id: str, *, page_token: str = "", timeout: float | None = None
    ) -> Page[Profile]:
        """Who is in a department directly, within `timeout` seconds (15); "0" is the company itself. People outside the app's
        contact range are left out.

        Needs contact:contact.base:readonly (page "Obtain the users of a department", at most 50 in a page).
        """
        answer = self._call(
            "GET",
            "/open-apis/contact/v3/users/find_by_department",
            params={
                "department_id": open_department_id,
                "department_id_type": "open_department_id",
                "user_id_type": "open_id",
                "page_size": MAX_PAGE,
            }
            | ({"page_token": page_token} if page_token else {}),
            timeout=timeout,
        )
        return Page([Profile.of_user(item) for item in _items(answer)], _next_token(answer))

    def departments_below(
        self, open_department_id: str, *, page_token: str = "", timeout: float | None = None
    ) -> Page[Department]:
        """The departments below one, all levels of them, within `timeout` seconds (15); "0" is the company itself.

        Needs contact:contact.base:readonly, and for names contact:department.base:readonly (page "Obtain sub-departments",
        fetch_child, at most 50 in a page).
        """
        answer = self._call(
            "GET",
            f"/open-apis/contact/v3/departments/{quote(open_department_id, safe='')}/children",
            params={
                "department_id_type": "open_department_id",
                "fetch_child": "true",
                "page_size": MAX_PAGE,
            }
            | ({"page_token": page_token} if page_token else {}),
            timeout=timeout,
        )
        return Page([Department.of(item) for item in _items(answer)], _next_token(answer))

    def chats(self, *, page_token: str = "", timeout: float | None = None) -> Page[ChatInfo]:
        """The groups that the bot is in, within `timeout` seconds (15).

        Needs im:chat:read or im:chat:readonly (page "Obtain the list of groups that a user or bot belongs to", at most 100 in
        a page).
        """
        answer = self._call(
            "GET",
            "/open-apis/im/v1/chats",
            params={"page_size": MAX_CHATS} | ({"page_token": page_token} if page_token else {}),
            timeout=timeout,
        )
        listed = [
            ChatInfo(str(item.get("chat_id") or ""), str(item.get("name") or "")) for item in _items(answer)
        ]
        return Page(listed, _next_token(answer))

    def bot_info(self) -> BotInfo:
        """The bot itself; needs no scope, so it proves credentials and bot capability."""
        answer = self._call("GET", "/open-apis/bot/v3/info")
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
        count = integer(self._call("GET", "/open-apis/event/v1/connection").data.get("online_instance_cnt"))
        return count if count is not None and 0 <= count <= MAX_CONNECTIONS else None

    def application(self) -> AppInfo:
        """The app as the developer console has it (page "Obtain app info").

        Raises MissingScope where neither application:application:self_manage nor admin:app.info:readonly is enabled.
        """
        answer = self._call("GET", "/open-apis/application/v6/applications/me", params={"lang": "zh_cn"})
        app = answer.data.get("app")
        if not isinstance(app, dict) or not app.get("app_id"):
            raise MalformedAnswer("the answer describes no app", log_id=answer.log_id)
        return parse_app(app)

    def _call_in_turn(self, target: str, method: str, path: str, **options: Any) -> Answer:
        """A call that the platform takes five times a second for one chat, person or message."""
        return in_turn(self._credentials.app_id, target, lambda: self._call(method, path, **options))

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Json | None = None,
        timeout: float | None = None,
    ) -> Answer:
        if not path.startswith("/"):
            # Appended to the host as it is, it could name another one, which would get the token.
            raise ValueError(f"not an absolute path: {path!r}")
        url = self._credentials.platform.open_url + path

        def attempt(token: str) -> Answer:
            with observed(self._credentials.app_id, path):
                return require_code(
                    self._transport.request(
                        method, url, bearer=token, params=params, json=json, timeout=timeout
                    )
                )

        token = self._token()
        try:
            return attempt(token)
        except InvalidToken as error:
            if error.code not in REJECTED_TENANT_TOKEN:
                raise
            self._tokens.invalidate(self._credentials, token)
        return attempt(self._token())

    def _token(self) -> str:
        try:
            return self._tokens.get(self._credentials)
        except (TransportError, MalformedAnswer) as error:
            # What may have arrived is the question for a token: the call itself was never made.
            error.sent = "no"
            raise


def _items(answer: Answer, name: str = "items") -> list[dict[str, Any]]:
    items = answer.data.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _next_token(answer: Answer) -> str:
    token = answer.data.get("page_token")
    return token if answer.data.get("has_more") is True and isinstance(token, str) else ""


def _open_id(found: object, name: str) -> str:
    open_id = found.get(name) if isinstance(found, dict) else None
    return open_id if isinstance(open_id, str) and receive_id_type(open_id) == "open_id" else ""


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


def _sent(answer: Answer) -> SentMessage:
    message_id = answer.data.get("message_id")
    if not isinstance(message_id, str) or not message_id:
        raise MalformedAnswer("the answer holds no message_id", log_id=answer.log_id)
    return SentMessage(message_id, str(answer.data.get("chat_id") or ""))
