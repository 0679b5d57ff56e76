"""The JSON that a receiver gets for an event, pushed or fetched: the platform's payload in an envelope of the portal's."""

import json
from datetime import UTC, datetime

from events.models import Event
from feishu.blanking import without_token
from feishu.callbacks import OLD_CARD_CALLBACK

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def payload_of(event: Event) -> bytes:
    """``{"id", "event_id", "type", "app_id", "created_at", "received_at", "payload"}`` as JSON in UTF-8.

    ``payload`` is what the platform sent, byte for byte, without the bot's verification token: whoever holds that can
    send forged events to the bot's webhook. Raises ValueError for an event that cannot be read.
    """
    about = {
        "id": event.pk,
        "event_id": event.event_id,
        "type": event.event_type,
        "app_id": event.bot.app_id,
        "created_at": _in_utc(event.created_at),
        "received_at": _in_utc(event.received_at),
    }
    opening = json.dumps(about, ensure_ascii=False)[:-1]
    return b"".join((opening.encode("utf-8", "replace"), b', "payload": ', _without_token(event), b"}"))


def _without_token(event: Event) -> bytes:
    """The platform's bytes, written anew where they are not plain UTF-8."""
    raw, envelope = bytes(event.payload), event.envelope
    if not _is_plain_utf8(raw):
        raw = json.dumps(envelope).encode()
    if event.event_type == OLD_CARD_CALLBACK:
        return raw  # its token is the one that updates the card
    header = envelope.get("header")
    token = (header if isinstance(header, dict) else envelope).get("token")
    return without_token(raw, token) if isinstance(token, str) else raw


def _is_plain_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return not raw.startswith(_BYTE_ORDER_MARK)


def _in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
