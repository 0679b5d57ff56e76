"""`POST /open-apis/bot/v2/hook/:token`: the custom bot of a group, which takes messages without any token.

Page "Custom bot usage guide": signature, keywords, 100 a minute and 5 a second, bodies up to 20 KB.
"""

import base64
import hmac
import json
from hashlib import sha256
from typing import Any, Final

from feishu.values import text_of
from sandbox.cards import validation
from sandbox.errors import PlatformError
from sandbox.platform.api_front import Call
from sandbox.strange_json import parse_json
from sandbox.world import ids
from sandbox.world.hooks import Hook
from sandbox.world.messages import Message

MAX_BODY: Final = 20 * 1024
SIGNATURE_SECONDS: Final = 3600
_CONTENTS: Final = {"text": "text", "image": "image_key", "share_chat": "share_chat_id", "post": "post"}
_SUCCESS: Final = {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}


async def receive(call: Call) -> dict[str, Any]:
    hook = call.world.hooks.get(call.path("token"))
    if hook is None:
        raise _refusal(19001, "param invalid: incoming webhook access token invalid")
    if len(call.body) > MAX_BODY:
        raise _refusal(9499, "Bad Request: the body exceeds 20 KB")
    body = call.json()
    _check_signature(hook, body, call.world.clock())
    if call.world.rate_limits and (hook.per_second.wait(hook.token) or hook.per_minute.wait(hook.token)):
        raise _refusal(11232, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]")
    msg_type, content = _content(body)
    if hook.keywords and not any(word in json.dumps(body, ensure_ascii=False) for word in hook.keywords):
        raise _refusal(19024, "Key Words Not Found")
    message = Message(
        message_id=ids.message_id(),
        chat_id=hook.chat_id,
        sender=hook.name,
        sender_type="app",
        tenant_key="",
        msg_type=msg_type,
        content=content,
        create_time=call.world.now_ms,
        update_time=call.world.now_ms,
    )
    call.world.mailbox.add(message)
    call.world.watchers.tell("message", message=message.shown())
    return _SUCCESS


def signature(secret: str, timestamp: str) -> str:
    """Base64 of HMAC-SHA256 over nothing, with the timestamp and the secret as the key."""
    key = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", sha256).digest()).decode()


def _check_signature(hook: Hook, body: dict[str, Any], now: float) -> None:
    if not hook.secret:
        return
    timestamp = str(body.get("timestamp", ""))
    recent = timestamp.isdecimal() and len(timestamp) < 12 and abs(now - int(timestamp)) <= SIGNATURE_SECONDS
    if not recent or not hmac.compare_digest(
        signature(hook.secret, timestamp).encode(), str(body.get("sign", "")).encode("utf-8", "replace")
    ):
        raise _refusal(19021, "sign match fail or timestamp is not within one hour from current time")


def _content(body: dict[str, Any]) -> tuple[str, str]:
    msg_type, content = text_of(body.get("msg_type")), body.get("content")
    if msg_type == "interactive":
        card = body.get("card")
        if not isinstance(card, dict):
            raise _refusal(19002, "params error, card need")
        try:
            validation.check(card)
        except validation.CardError as error:
            raise _refusal(11246, str(error)) from None
        return "interactive", json.dumps(card, ensure_ascii=False)
    if isinstance(content, str):
        try:
            content = parse_json(content)
        except ValueError:
            content = None
    if msg_type not in _CONTENTS or not isinstance(content, dict) or _CONTENTS[msg_type] not in content:
        raise _refusal(19002, "params error, msg_type need")
    return msg_type, json.dumps(content["post"] if msg_type == "post" else content, ensure_ascii=False)


def _refusal(code: int, msg: str) -> PlatformError:
    return PlatformError(code, msg, status=200)
