"""The JSON that a receiver gets for an event, pushed or fetched: the platform's payload in an envelope of the portal's."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from events.expansion import Expansion
from events.models import Event
from feishu.blanking import without_token
from feishu.callbacks import OLD_CARD_CALLBACK

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class DeliveredEvent(TypedDict):
    """An event as a receiver gets it."""

    id: Annotated[
        int,
        Meta(
            description="The portal's own number of the event, as in `GET /api/v1/events/{event_id}`; 0 in a test delivery"
        ),
    ]
    event_id: Annotated[str, Meta(description="The platform's; the same for each repetition")]
    type: Annotated[str, Meta(description="E.g. `im.message.receive_v1`; `portal.test` in a test delivery")]
    app_id: Annotated[str, Meta(description="The bot's App ID")]
    created_at: Annotated[
        str,
        Meta(
            description="When it happened, as the platform says",
            extra_json_schema={"format": "date-time"},
        ),
    ]
    received_at: Annotated[
        str,
        Meta(description="When the portal got it first", extra_json_schema={"format": "date-time"}),
    ]
    expanded: NotRequired[
        Annotated[
            Expansion,
            Meta(
                description="Where the subscription asks for it and the message refers to others: those, fetched once"
            ),
        ]
    ]
    payload: Annotated[
        dict[str, Any],
        Meta(
            description="The platform's JSON, byte for byte, but for the bot's Verification Token, which is emptied"
        ),
    ]


def payload_of(event: Event, *, expanded: Expansion | None = None) -> bytes:
    """The `DeliveredEvent` as JSON in UTF-8, with the messages that its own refers to, if given. The verification token is taken out
    because whoever holds it can send forged events to the bot's webhook. Raises ValueError for an event that cannot be read."""
    event_without_payload: DeliveredEvent = {
        "id": event.pk,
        "event_id": event.event_id,
        "type": event.event_type,
        "app_id": event.bot.app_id,
        "created_at": _in_utc(event.created_at),
        "received_at": _in_utc(event.received_at),
        "payload": {},
    }
    opening = json.dumps(event_without_payload, ensure_ascii=False).removesuffix(', "payload": {}}')
    if expanded is not None:
        opening += f', "expanded": {json.dumps(expanded, ensure_ascii=False)}'
    return b"".join((opening.encode("utf-8", "replace"), b', "payload": ', _without_token(event), b"}"))


def _without_token(event: Event) -> bytes:
    """The platform's bytes, rewritten where they are not plain UTF-8."""
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
