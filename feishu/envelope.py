"""The envelope around every event and callback, the same over HTTP and over the long connection.

The event inside stays bytes for its handlers: read is only what tells duplicates and clicks apart. Shapes as in the page "Event subscription overview": schema 2.0 with a `header`, schema 1.0 with `uuid` and `event.type`,
and the old flat card callback.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec

from feishu.callbacks import CLICK, OLD_CARD_CALLBACK, is_callback
from feishu.card_buttons import NO_CLICK, ClickedButton, read_click, read_old_click
from feishu.errors import EnvelopeError

MESSAGE_RECEIVED: Final = "im.message.receive_v1"

_MAX_KEY: Final = 200
_GZIP: Final = b"\x1f\x8b"
_LATEST: Final = 250_000_000_000
"""Seconds, in the year 9892: far enough from the last year there is for any time zone."""

Schema: TypeAlias = Literal["2.0", "1.0"]


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """Who sent what, when. Fields the platform left out or set to null are empty."""

    schema: Schema
    event_id: str
    """`header.event_id`, or `uuid` in schema 1.0."""
    event_type: str
    create_time: datetime | None
    """UTC; None where it is absent or no time."""
    app_id: str
    tenant_key: str
    token: str
    """The Verification Token. The old card callback has none."""
    dedupe_key: str
    """Equal for two pushes of the same thing; at most 200 printable characters."""
    is_callback: bool
    click: ClickedButton = NO_CLICK
    """The button that was clicked, where the callback is a click."""

    def __repr__(self) -> str:
        return f"Envelope(event_type={self.event_type!r}, event_id={self.event_id!r}, app_id={self.app_id!r})"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the developer console sends when a request URL is saved; echo `challenge` within 1 s."""

    challenge: str
    token: str = field(repr=False)


class _Header(msgspec.Struct):
    event_id: str | None = None
    event_type: str | None = None
    create_time: str | int | float | None = None
    event_create_time: str | int | float | None = None
    token: str | None = None
    app_id: str | None = None
    tenant_key: str | None = None


class Content(msgspec.Struct):
    """What is read of a pushed body, encrypted or not. The names are the platform's."""

    encrypt: str | None = None
    """The body as a whole, encrypted; then there is nothing beside it."""
    schema: str | None = None
    header: _Header | None = None
    event: msgspec.Raw = msgspec.Raw(b"{}")
    ts: str | int | float | None = None
    uuid: str | None = None
    token: str | None = None
    type: str | None = None
    challenge: str | None = None
    # The old card callback has no envelope.
    action: msgspec.Raw = msgspec.Raw(b"")
    open_message_id: str | None = None
    tenant_key: str | None = None

    def __repr__(self) -> str:
        return f"Content(schema={self.schema!r}, type={self.type!r})"

    @property
    def verification_token(self) -> str:
        """In the header of schema 2.0; at the top in 1.0 and in a challenge. The old card callback has another there."""
        return (self.token if self.header is None else self.header.token) or ""


class _MessageId(msgspec.Struct):
    message_id: str


class _MessageEvent(msgspec.Struct):
    message: _MessageId


class _CallbackEvent(msgspec.Struct):
    token: str


class _OldEvent(msgspec.Struct):
    type: str
    app_id: str | None = None
    tenant_key: str | None = None


_content = msgspec.json.Decoder(Content)
_message_event = msgspec.json.Decoder(_MessageEvent)
_callback_event = msgspec.json.Decoder(_CallbackEvent)
_old_event = msgspec.json.Decoder(_OldEvent)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NO_WORDS: Final = frozenset({"header", "event", "action"})
_NO_NUMBERS: Final = frozenset({"event_type", "type"})


def parse(payload: bytes) -> Envelope:
    """Read the envelope of a decrypted payload. Raises EnvelopeError when it is none."""
    return envelope_of(decode(payload), payload)


def decode(body: bytes) -> Content:
    """Read a body as it was pushed, or a decrypted payload. Raises EnvelopeError when it is neither."""
    try:
        # What is read later, and by whom, is decided later: it has to be text as a whole.
        body.decode()
        return _content.decode(body)
    except msgspec.ValidationError as error:
        return _decode_loosely(body, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if body.startswith(_GZIP):
            raise EnvelopeError("the payload is compressed and does not decompress to an event") from error
        raise EnvelopeError(f"the payload is not an event: {error}") from error


def _decode_loosely(body: bytes, why: msgspec.ValidationError) -> Content:
    """The same for a body with a field of another type than the pages have it: a number is read as its digits, and what is no
    word at all as missing. One odd field is no reason to leave an event, or whoever waits for an answer, to quarantine."""
    try:
        found = _members.decode(body)
        header = found.get("header")
        return Content(
            event=found.get("event", msgspec.Raw(b"{}")),
            action=found.get("action", msgspec.Raw(b"")),
            header=None if header is None else _Header(**_words(_members.decode(header), _Header)),
            **_words(found, Content),
        )
    except (msgspec.DecodeError, RecursionError):
        raise EnvelopeError(f"the payload is not an event: {why}") from why


def _words(found: Mapping[str, msgspec.Raw], read_as: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields of ``read_as`` that are words, or numbers where a number can be meant, as text."""
    names = [name for name in read_as.__struct_fields__ if name in found and name not in _NO_WORDS]
    values = {name: msgspec.json.decode(found[name]) for name in names}
    return {
        name: str(value)
        for name, value in values.items()
        if isinstance(value, str)
        or (isinstance(value, int | float) and not isinstance(value, bool) and name not in _NO_NUMBERS)
    }


def envelope_of(content: Content, payload: bytes) -> Envelope:
    """The envelope in ``content``, which was decoded from ``payload``. Raises EnvelopeError when there is none."""
    if content.schema and content.header is not None:
        return _parse_v2(content, content.header, payload)
    if content.uuid or content.type == "event_callback":
        return _parse_v1(content, payload)
    if content.action and content.token and content.open_message_id:
        return _parse_old_card(content, content.token)
    raise EnvelopeError("the payload has neither a schema 2.0 header nor a schema 1.0 uuid")


def challenge_of(content: Content) -> Challenge | None:
    """The challenge of a URL verification request; None for anything else, events included."""
    if content.type != "url_verification" or content.challenge is None:
        return None
    return Challenge(content.challenge, content.token or "")


def fallback_key(payload: bytes) -> str:
    """A deduplication key for what cannot be read: equal bytes are the same thing."""
    return f"sha256:{hashlib.sha256(payload).hexdigest()}"


def _parse_v2(content: Content, header: _Header, payload: bytes) -> Envelope:
    if not header.event_type:
        raise EnvelopeError("the header names no event_type")
    waits = is_callback(header.event_type)
    return Envelope(
        schema="2.0",
        event_id=header.event_id or "",
        event_type=header.event_type,
        create_time=_time(header.create_time or header.event_create_time),
        app_id=header.app_id or "",
        tenant_key=header.tenant_key or "",
        token=header.token or "",
        dedupe_key=_key_v2(header, content.event, waits=waits) or fallback_key(payload),
        is_callback=waits,
        click=read_click(content.event) if header.event_type == CLICK else NO_CLICK,
    )


def _key_v2(header: _Header, event: msgspec.Raw, *, waits: bool) -> str | None:
    # The page of this event asks to deduplicate by message_id and not to rely on event_id.
    if header.event_type == MESSAGE_RECEIVED and (message_id := _message_id(event)):
        return _key("message", message_id)
    if header.event_id:
        return _key("event", header.event_id)
    if waits and (token := _callback_token(event)):
        return _key("card", token)
    return None


def _parse_v1(content: Content, payload: bytes) -> Envelope:
    try:
        event = _old_event_of(content.event)
    except (msgspec.DecodeError, RecursionError, TypeError) as error:
        raise EnvelopeError(f"the schema 1.0 event names no type: {error}") from error
    return Envelope(
        schema="1.0",
        event_id=content.uuid or "",
        event_type=event.type,
        create_time=_time(content.ts),
        app_id=event.app_id or "",
        tenant_key=event.tenant_key or "",
        token=content.token or "",
        dedupe_key=_key("uuid", content.uuid) if content.uuid else fallback_key(payload),
        is_callback=is_callback(event.type),
    )


def _old_event_of(event: msgspec.Raw) -> _OldEvent:
    try:
        return _old_event.decode(event)
    except msgspec.ValidationError:
        return _OldEvent(**_words(_members.decode(event), _OldEvent))


def _parse_old_card(content: Content, card_token: str) -> Envelope:
    return Envelope(
        schema="1.0",
        event_id="",
        event_type=OLD_CARD_CALLBACK,
        create_time=None,
        app_id="",
        tenant_key=content.tenant_key or "",
        token="",
        dedupe_key=_key("card", card_token),
        is_callback=True,
        click=read_old_click(content.action, content.open_message_id),
    )


def _message_id(event: msgspec.Raw) -> str | None:
    try:
        return _message_event.decode(event).message.message_id
    except msgspec.DecodeError:
        return None


def _callback_token(event: msgspec.Raw) -> str | None:
    try:
        return _callback_event.decode(event).token
    except msgspec.DecodeError:
        return None


def _key(kind: str, value: str) -> str:
    """`kind:value`, hashed where the value would not fit a text column."""
    key = f"{kind}:{value}"
    if len(key) <= _MAX_KEY and key.isprintable():
        return key
    return f"{kind}:sha256:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _time(value: str | float | None) -> datetime | None:
    """Seconds, milliseconds or microseconds, told apart by size: the pages disagree on the unit."""
    try:
        number = float(value) if value else 0.0
    except (ValueError, OverflowError):  # no number, or one of hundreds of digits
        return None
    if not 0 < number < 1e17:
        return None
    seconds = number / 1e6 if number >= 1e15 else number / 1e3 if number >= 1e12 else number
    return datetime.fromtimestamp(seconds, UTC) if seconds < _LATEST else None
