"""What a receiver gets of one event, pushed or fetched: the event's own words in an envelope of the portal's."""

import json
from datetime import UTC, datetime

from events.models import Event


def body_of(event: Event) -> bytes:
    """``{"id", "event_id", "type", "app_id", "created_at", "received_at", "payload"}`` as JSON in UTF-8.

    ``payload`` is what the platform sent, byte for byte, but for the bot's verification token: whoever holds that can
    pretend to be the platform. Raises ValueError for an event that cannot be read.
    """
    about = {
        "id": event.pk,
        "event_id": event.event_id,
        "type": event.event_type,
        "app_id": event.bot.app_id,
        "created_at": _moment(event.created_at),
        "received_at": _moment(event.received_at),
    }
    opening = json.dumps(about, ensure_ascii=False)[:-1]
    return b"".join((opening.encode("utf-8", "replace"), b', "payload": ', _payload(event), b"}"))


def _payload(event: Event) -> bytes:
    raw = bytes(event.payload)
    header = event.envelope.get("header")
    holder = header if isinstance(header, dict) else event.envelope
    token = holder.get("token")
    try:
        raw.decode()
        is_plain = not raw.startswith(b"\xef\xbb\xbf")
    except UnicodeDecodeError:
        is_plain = False
    if not isinstance(token, str) or not token:
        without = raw
    else:
        without = raw.replace(json.dumps(token).encode(), b'""')
        is_plain = is_plain and without != raw
    if is_plain:
        return without
    envelope = {key: "" if key == "token" else value for key, value in event.envelope.items()}
    if isinstance(header, dict):
        envelope["header"] = {**header, "token": ""}
    return json.dumps(envelope).encode()


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
