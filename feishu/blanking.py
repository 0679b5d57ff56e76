"""Payloads without their Verification Token: whoever holds it can forge pushes to a bot that has no Encrypt Key.

The token stands in `header.token` of schema 2.0 and at the top in schema 1.0 and in a challenge. The `token` of the old
card callback and of `event` is another one, with which a card is updated, and stays.
"""

import json
import re
from typing import Any, Final

import msgspec

_LITERAL: Final = 16
"""Characters from which a token cannot be anything else in a payload, and is emptied wherever it stands."""
_FIELD: Final = re.compile(rb'("token"\s{0,9}:\s{0,9})"[^"\\]{1,500}"')


class _Header(msgspec.Struct):
    token: Any = None


class _Tokens(msgspec.Struct):
    header: _Header | None = None
    token: Any = None


_tokens = msgspec.json.Decoder(_Tokens)


def without_token(payload: bytes, token: str) -> bytes:
    """`payload`, an event whose Verification Token is `token`, with an empty one; every other byte stays, unless the token
    is too short for that or written with escapes."""
    if not token:
        return payload
    if len(token) >= _LITERAL:
        blanked = payload.replace(b'"%b"' % token.encode("utf-8", "replace"), b'""')
        if blanked != payload:
            return blanked
    return _rewritten(payload)


def without_any_token(payload: bytes) -> bytes:
    """The same for a payload that is no event that could be read."""
    try:
        found = _tokens.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _FIELD.sub(rb'\1""', payload)
    for token in (found.header.token if found.header else None, found.token):
        if isinstance(token, str):
            payload = without_token(payload, token)
        elif token is not None:
            payload = _rewritten(payload)
    return payload


def _rewritten(payload: bytes) -> bytes:
    try:
        content: dict[str, Any] = json.loads(payload)
        header = content.get("header")
        if isinstance(header, dict) and "token" in header:
            content["header"] = {**header, "token": ""}
        if "token" in content:
            content["token"] = ""
        return json.dumps(content, separators=(",", ":")).encode()
    except (ValueError, RecursionError, AttributeError):
        return _FIELD.sub(rb'\1""', payload)
