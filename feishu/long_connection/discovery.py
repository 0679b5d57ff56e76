"""Finding the gateway: asking for its address, and understanding a refusal. Pure.

The endpoint is not in the public documentation; facts from the official SDKs (`lark_oapi/ws/client.py`,
`lark_oapi/ws/const.py`) and from codes that users of them reported.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlsplit

from feishu.credentials import AppCredentials
from feishu.errors import ConnectError, MalformedAnswer
from feishu.long_connection.config import ClientConfig
from feishu.numbers import integer
from feishu.reasons import Reason
from feishu.responses import json_object

_CONNECTION_LIMIT: Final = 1000040350
_MAX_INT32: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class DiscoveryRequest:
    """What to POST; `body` holds the App Secret."""

    url: str
    headers: Mapping[str, str]
    body: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to dial. `url` carries a ticket good for one connection: keep it verbatim, and out of logs."""

    url: str = field(repr=False)
    device_id: str
    """The platform's name for the connection; empty where it gave none."""
    service_id: int
    """Goes into pings; 0 where the platform gave none."""
    config: ClientConfig

    @property
    def is_encrypted(self) -> bool:
        return self.url[:4].lower() == "wss:"


def request(credentials: AppCredentials) -> DiscoveryRequest:
    """The question for the gateway's address."""
    return DiscoveryRequest(
        url=credentials.platform.discovery_url,
        headers={"locale": "zh"},
        body={"AppID": credentials.app_id, "AppSecret": credentials.app_secret},
    )


def parse_answer(status: int, body: bytes, config: ClientConfig | None = None) -> Endpoint:
    """Read the answer; usable values of its ClientConfig replace those of `config`.

    Raises ConnectError with the platform's code, or MalformedAnswer.
    """
    answer = json_object(body)
    code = integer(answer.get("code")) if answer is not None else None
    if answer is None or code is None:
        if status != 200:
            raise ConnectError(
                "the gateway's address was refused",
                stage="discovery",
                reason=Reason.REDIRECTED if 300 <= status < 400 else Reason.HTTP,
                http_status=status,
            )
        raise MalformedAnswer("the answer holds no code", http_status=status)
    if code != 0 or status != 200:
        message = str(answer.get("msg") or "the gateway's address was refused")
        raise ConnectError(
            message, stage="discovery", reason=Reason.HTTP, code=code or None, http_status=status
        )
    data = answer.get("data")
    if not isinstance(data, dict):
        raise MalformedAnswer("the answer holds no data", http_status=status)
    return _endpoint(data.get("URL"), (config or ClientConfig()).merged(data.get("ClientConfig")))


def handshake_error(status: int, headers: Mapping[str, str]) -> ConnectError:
    """Understand a refused WebSocket handshake; `headers` with lower-case names.

    The reason is in headers of the platform's own, any of which may be missing or broken. A 514 means that
    the ticket was refused, for the number of connections or for reasons that a new ticket cures; it says
    nothing about the credentials, which discovery has just accepted.
    """
    code = _number(headers.get("handshake-autherrcode"))
    refusal = _number(headers.get("handshake-status")) or status
    message = headers.get("handshake-msg") or "the gateway refused the connection"
    known = code if code == _CONNECTION_LIMIT else 403 if refusal == 403 else None
    return ConnectError(
        f"{message} (status {refusal})",
        stage="handshake",
        reason=Reason.HANDSHAKE,
        code=known,
        http_status=status,
    )


def _endpoint(url: object, config: ClientConfig) -> Endpoint:
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        parts = None
    if not isinstance(url, str) or parts is None or parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise MalformedAnswer("the answer holds no WebSocket address")
    query = parse_qs(parts.query)
    return Endpoint(
        url=url,
        device_id=query.get("device_id", [""])[0],
        service_id=min(_number(query.get("service_id", [""])[0]), _MAX_INT32),
        config=config,
    )


def _number(text: str | None) -> int:
    return int(text) if text and len(text) < 20 and text.isascii() and text.isdecimal() else 0
