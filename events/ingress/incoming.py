"""From bytes to an incoming event: the little that has to be known of it before it is stored. No database here."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from msgspec import Struct

from core.database.text import storable
from events.enums import Arrived, EventStatus
from events.handling.registry import is_single_use
from feishu.blanking import without_any_token, without_token
from feishu.callbacks import CLICKS
from feishu.envelope import Envelope, fallback_key, parse
from feishu.errors import EnvelopeError
from feishu.platform_clock import platform_clock

MAX_KEY = 200
MAX_TRACE_ID = 128
MAX_EVENT_ID = MAX_EVENT_TYPE = 128
MAX_TENANT_KEY = 64


class IncomingEvent(Struct, frozen=True, gc=False):
    """One pushed event, ready to be stored."""

    bot_id: UUID
    dedupe_key: str
    event_id: str
    event_type: str
    arrived_by: Arrived
    status: EventStatus
    payload: bytes
    tenant_key: str
    trace_id: str
    created_at: datetime
    received_at: datetime
    error: str
    is_callback: bool
    action: str = ""
    """Of a click: what its button asks for; see ``on_card``."""
    is_single_use: bool = False
    """Whether the clicked button works once on its message."""


def read_event(
    *, bot_id: UUID, payload: bytes, arrived_by: Arrived, trace_id: str = "", envelope: Envelope | None = None
) -> IncomingEvent:
    """Read the envelope of ``payload``, unless the caller has done so. What cannot be read is quarantined, never refused:
    a refused head of an ordered stream would stall the stream for hours."""
    now = datetime.now(UTC)
    try:
        envelope = envelope or parse(payload)
        _check_storable(envelope)
    except EnvelopeError as error:
        return IncomingEvent(
            bot_id=bot_id,
            dedupe_key=fallback_key(payload),
            event_id="",
            event_type="",
            arrived_by=arrived_by,
            status=EventStatus.QUARANTINED,
            payload=without_any_token(payload),
            tenant_key="",
            trace_id=storable(trace_id, MAX_TRACE_ID),
            created_at=now,
            received_at=now,
            error=storable(str(error), 500),
            is_callback=False,
        )
    click = envelope.click
    single_use_key = click.single_use_key or (click.button_key if is_single_use(click.action) else "")
    return IncomingEvent(
        bot_id=bot_id,
        dedupe_key=single_use_key or _key_of(envelope),
        event_id=envelope.event_id,
        event_type=envelope.event_type,
        arrived_by=arrived_by,
        # A callback is answered while the platform waits, not by the dispatcher.
        status=EventStatus.DISPATCHED if envelope.is_callback else EventStatus.RECEIVED,
        payload=without_token(payload, envelope.token),
        tenant_key=envelope.tenant_key,
        trace_id=storable(trace_id, MAX_TRACE_ID),
        created_at=platform_clock.in_local_time(envelope.create_time or now, received=now),
        received_at=now,
        error="",
        is_callback=envelope.is_callback,
        action=click.action,
        is_single_use=bool(single_use_key),
    )


def _key_of(envelope: Envelope) -> str:
    """A link preview or a profile is asked for again and again, and answered each time."""
    if not envelope.is_callback or envelope.event_type in CLICKS:
        return envelope.dedupe_key
    return f"{envelope.dedupe_key[: MAX_KEY - 33]}:{uuid4().hex}"


def _check_storable(envelope: Envelope) -> None:
    key, event_id = envelope.dedupe_key, envelope.event_id
    event_type, tenant_key = envelope.event_type, envelope.tenant_key
    if (
        len(key) > MAX_KEY
        or len(event_id) > MAX_EVENT_ID
        or len(event_type) > MAX_EVENT_TYPE
        or len(tenant_key) > MAX_TENANT_KEY
        or "\x00" in f"{key}{event_id}{event_type}{tenant_key}"
    ):
        raise EnvelopeError("A field of the header is longer than its column, or holds a NUL.")
