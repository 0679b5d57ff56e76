"""Events for systems that fetch them: pages with a long poll, a stream, and acknowledgements."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Annotated, TypeAlias
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Field, Query, Router, Schema

from core.access.models import ApiClient
from core.access.roles import MANAGING
from core.access.scopes import Scope
from core.background.limits import ConcurrencyLimits
from core.background.stopping import stopping
from core.database.connections import give_back
from events.enums import SubscriptionKind, SubscriptionState
from events.models import Subscription
from events.subscriptions.lag import lag_of
from events.subscriptions.pull import MAX_ACKED, PulledDelivery, acknowledge, fetch
from feishu_portal.api.keys import caller, covers
from feishu_portal.api.long_poll import until
from feishu_portal.api.problems import Problem, not_found

router = Router()

MAX_LIMIT = 500
MAX_WAIT = 60  # seconds
MAX_STREAMS = 100  # in one process
STREAM_BATCH = 100  # deliveries read at once
STREAM_SECONDS = 600.0  # then the receiver connects again, and its key is checked again
POLL_SECONDS = 1.0  # between two queries of a stream
HEARTBEAT_SECONDS = 15.0

_SPACES = bytes.maketrans(b"\r\n", b"  ")

_streams = ConcurrencyLimits()

Read: TypeAlias = Callable[[int], Awaitable[Sequence[PulledDelivery]]]
"""The first deliveries with numbers above the given one."""


class FetchIn(Schema):
    cursor: Annotated[int, Field(ge=0, lt=2**63)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 100
    wait: Annotated[int, Field(ge=0, le=MAX_WAIT)] = 0


class AckIn(Schema):
    cursor: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    ids: Annotated[list[Annotated[int, Field(ge=0, lt=2**63)]], Field(max_length=MAX_ACKED)] = []


class AckOut(Schema):
    acknowledged: int


class SubscriptionOut(Schema):
    id: UUID
    name: str
    state: SubscriptionState
    waiting: int
    more_waiting: bool
    oldest_waiting: datetime | None
    last_success_at: datetime | None


@router.get(
    "/subscriptions/{subscription_id}", response=SubscriptionOut, summary="How far a receiver is behind"
)
def get_subscription(request: HttpRequest, subscription_id: UUID) -> SubscriptionOut:
    """``more_waiting``: there are more than were counted."""
    row = _own(caller(request, Scope.EVENTS_READ), subscription_id)
    lag = lag_of(row)
    return SubscriptionOut(
        id=row.pk,
        name=row.name,
        state=SubscriptionState(row.state),
        waiting=lag.waiting.count,
        more_waiting=lag.waiting.is_more,
        oldest_waiting=lag.oldest,
        last_success_at=row.last_success_at,
    )


@router.get("/subscriptions/{subscription_id}/events", summary="Events that wait to be fetched")
async def fetch_events(request: HttpRequest, subscription_id: UUID, wanted: Query[FetchIn]) -> HttpResponse:
    """``{"items": [{"delivery", "event"}], "next_cursor"}``: deliveries that are not acknowledged, in order, behind
    ``cursor``. With ``wait`` the answer comes as soon as there is one, or after that many seconds. Every event comes at
    least once: acknowledge it when it is processed. Without ``cursor``, everything that is not acknowledged comes again."""
    client = caller(request, Scope.EVENTS_READ)
    read = _reader(client, subscription_id, wanted.limit)
    found = await read(wanted.cursor)
    if not found and wanted.wait:
        found = await until(lambda: read(wanted.cursor), bool, seconds=wanted.wait, client=client.pk)
    parts = b", ".join(b'{"delivery": %d, "event": %b}' % (one.number, one.payload) for one in found)
    cursor = found[-1].number if found else wanted.cursor
    body = b'{"items": [%b], "next_cursor": %d}' % (parts, cursor)
    return HttpResponse(body, content_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/subscriptions/{subscription_id}/stream", summary="Events as they come (server-sent events)")
async def stream_events(request: HttpRequest, subscription_id: UUID) -> StreamingHttpResponse:
    """Each with the delivery's number as ``id`` and the event as ``data``. It begins with the deliveries that are not
    acknowledged, behind ``Last-Event-ID`` where that is sent, and ends after ten minutes: connect again."""
    client = caller(request, Scope.EVENTS_READ)
    read = _reader(client, subscription_id, STREAM_BATCH)
    last = request.headers.get("Last-Event-ID", "0")
    if not (last.isascii() and last.isdigit() and len(last) < 19):
        raise Problem(422, "invalid_request", "Last-Event-ID is the number of a delivery.")
    first = await read(int(last))
    full = Problem(429, "too_many_streams", "Too many streams are open.", headers={"Retry-After": "5"})
    places = ExitStack()  # taken before the response begins: afterwards nothing can be refused
    with places:
        places.enter_context(_streams.fair_place(client.pk, limit=MAX_STREAMS, full=full))
        places = places.pop_all()
    response = StreamingHttpResponse(
        _stream(read, first, int(last), places),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
    # A stream that nobody begins to read does not end either.
    weakref.finalize(response, _close_soon, asyncio.get_running_loop(), places)
    return response


@router.post(
    "/subscriptions/{subscription_id}/ack", response=AckOut, summary="Acknowledge events that were fetched"
)
def ack_events(request: HttpRequest, subscription_id: UUID, data: AckIn) -> AckOut:
    """``cursor``: every delivery up to that number; or ``ids``: the named ones. Repeating an acknowledgement is harmless."""
    row = _own(caller(request, Scope.EVENTS_READ), subscription_id)
    if (data.cursor is None) == (not data.ids):
        raise Problem(422, "invalid_request", "Send either cursor or ids.")
    return AckOut(acknowledged=acknowledge(row, up_to=data.cursor, numbers=data.ids))


def _reader(client: ApiClient, subscription_id: UUID, limit: int) -> Read:
    return partial(sync_to_async(_read), client, subscription_id, limit)


def _read(client: ApiClient, subscription_id: UUID, limit: int, after: int) -> Sequence[PulledDelivery]:
    """Checks the key's rights each time, and holds no connection afterwards."""
    try:
        subscription = _own(client, subscription_id)
        if subscription.state != SubscriptionState.ACTIVE:
            return []
        return fetch(subscription, after=after, limit=limit)
    finally:
        give_back(before_waiting=True)


async def _stream(
    read: Read, found: Sequence[PulledDelivery], after: int, places: ExitStack
) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    ends, last_sent = loop.time() + STREAM_SECONDS, loop.time()
    with places:
        while True:
            for one in found:
                yield b"id: %d\nevent: event\ndata: %b\n\n" % (one.number, _on_one_line(one.payload))
                after, last_sent = one.number, loop.time()
            if loop.time() >= ends or stopping.is_asked:
                return
            if not found:
                if loop.time() - last_sent >= HEARTBEAT_SECONDS:
                    yield b": alive\n\n"
                    last_sent = loop.time()
                await asyncio.sleep(POLL_SECONDS)
            found = await read(after)


def _close_soon(loop: asyncio.AbstractEventLoop, places: ExitStack) -> None:
    """Give the places back, from a finalizer: the garbage collector may call it in the middle of anything, also of code that
    holds the lock of the places."""
    if loop.is_closed():
        places.close()
    else:
        loop.call_soon_threadsafe(places.close)


def _on_one_line(payload: bytes) -> bytes:
    """As server-sent events need it: in JSON, lines end between values alone."""
    return payload.translate(_SPACES)


def _own(client: ApiClient, subscription_id: UUID) -> Subscription:
    """The subscription, if it is one to fetch from and the key may see it; the same 404 otherwise."""
    rows = Subscription.objects.filter(
        pk=subscription_id,
        kind=SubscriptionKind.PULL,
        removed_at=None,
        owner__is_active=True,
        owner__role__in=MANAGING,
    )
    row = rows.select_related("owner").first()
    if row is None or not covers(client, row):
        raise not_found("subscription")
    return row
