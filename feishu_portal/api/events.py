"""Events of a bot: searching, reading, replaying."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from core.access.models import ApiClient
from core.access.scopes import Scope
from core.vault.redaction import redact, redact_text
from events.enums import Arrived, EventStatus, ReplayMode, RunStatus
from events.errors import SearchTooSlowError, TooManySearchesError
from events.log import replay
from events.log.criteria import EventCriteria
from events.log.fingerprints import last_line
from events.log.search import newest, resolve
from events.models import Delivery, Event, HandlerRun, ReplayJob
from feishu_portal.api.keys import actor_of, bot_for, caller, covers
from feishu_portal.api.problems import Problem, not_found

router = Router()

MAX_LIMIT = 200
MAX_DELIVERIES = 100  # of one event and kind; the newest
REPLAY_SECONDS = 5.0  # that a request works on a replay before it leaves it to the workers
Text = Annotated[str, Field(max_length=500)]


class EventsIn(Schema):
    type: Text = ""
    status: EventStatus | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: Text = ""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 50
    cursor: Annotated[str, Field(pattern=r"^\d{0,18}$")] = ""


class EventOut(Schema):
    id: int
    bot_id: str
    event_id: str
    type: str
    status: EventStatus
    arrived_by: Arrived
    created_at: datetime
    received_at: datetime
    finished_at: datetime | None
    duplicates: int
    log_id: str


class EventPage(Schema):
    items: list[EventOut]
    next_cursor: str | None


class DeliveryOut(Schema):
    """An event for a handler, by its name, or for a subscription, by its ID; the other one is empty."""

    handler: str
    subscription: str
    status: RunStatus
    attempts: int
    round: int
    current: bool
    finished_at: datetime | None
    error: str


class EventDetailOut(EventOut):
    error: str
    payload: Any | None
    raw: str | None
    deliveries: list[DeliveryOut]


class ReplayIn(Schema, extra="forbid"):
    """Unknown members are refused: a misspelt ``handlers`` would replay for all of them."""

    mode: ReplayMode = ReplayMode.FAILED
    handlers: Annotated[list[str], Field(max_length=50)] = []
    subscriptions: Annotated[list[UUID], Field(max_length=50)] = []


class ReplayOut(Schema):
    replay_id: int
    deliveries: list[DeliveryOut]


@router.get("/bots/{bot_id}/events", response=EventPage, summary="Events of a bot, newest first")
def list_events(request: HttpRequest, bot_id: str, wanted: Query[EventsIn]) -> EventPage:
    """``q``: an event, message or log ID in full, or part of the payload, matched exactly.

    One request scans a bounded number of events: its page can hold fewer than ``limit``, even none, and still have a
    ``next_cursor``. Go on until that is null.
    """
    client = caller(request, Scope.EVENTS_READ)
    bot = bot_for(client, bot_id)
    criteria = EventCriteria(
        bots=(bot.pk,),
        event_type=wanted.type,
        statuses=(wanted.status.value,) if wanted.status else (),
        since=_aware(wanted.since, "since"),
        until=_aware(wanted.until, "until"),
    )
    before = int(wanted.cursor) if wanted.cursor else None
    try:
        found = newest(
            resolve(wanted.q, criteria), before=before, limit=wanted.limit, asker=("client", client.pk)
        )
    except TooManySearchesError as error:
        detail = "Too many searches are under way."
        raise Problem(429, "too_many_searches", detail, headers={"Retry-After": "1"}) from error
    except SearchTooSlowError as error:
        raise Problem(503, "search_too_slow", "The search took too long. Narrow the time.") from error
    events = Event.objects.filter(pk__in=found.pks).order_by("-pk").defer("payload", "error")
    return EventPage(
        items=[EventOut(**_event(event)) for event in events],
        next_cursor=None if found.cursor is None else str(found.cursor),
    )


@router.get(
    "/events/{event_id}", response=EventDetailOut, summary="One event, its payload and its deliveries"
)
def get_event(request: HttpRequest, event_id: int) -> EventDetailOut:
    """``event_id`` is the portal's own number, ``id`` in the list. Secrets in the payload are masked.

    ``payload`` is null for what could not be read; then ``raw`` holds it as text.
    """
    client = caller(request, Scope.EVENTS_READ)
    event = _own(client, event_id)
    try:
        payload, raw = redact(event.envelope), None
    except (ValueError, RecursionError):
        payload, raw = None, redact_text(bytes(event.payload).decode("utf-8", "backslashreplace"))
    return EventDetailOut(
        **_event(event),
        error=redact_text(event.error),
        payload=payload,
        raw=raw,
        deliveries=_deliveries(event, client),
    )


@router.post("/events/{event_id}/replay", response={202: ReplayOut}, summary="Handle an event again")
def replay_event(request: HttpRequest, event_id: int, data: ReplayIn | None = None) -> Status[ReplayOut]:
    """To the handlers and subscriptions that failed, or to all; ``handlers`` (names) and ``subscriptions`` (IDs) narrow it to
    those.

    409 ``nothing_to_replay``: there is none of that kind, or all of them are still working on it.
    """
    client = caller(request, Scope.EVENTS_REPLAY)
    event = _own(client, event_id)
    wanted = data or ReplayIn()
    job = replay.replay_event(
        event,
        mode=wanted.mode,
        handlers=wanted.handlers,
        subscriptions=[str(subscription) for subscription in wanted.subscriptions],
        actor=actor_of(request),
        seconds=REPLAY_SECONDS,
    )
    if not (job.is_open or job.handler_runs.exists() or job.deliveries.exists()):
        raise Problem(
            409, "nothing_to_replay", "No handler or subscription of that kind can get the event again."
        )
    return Status(202, ReplayOut(replay_id=job.pk, deliveries=_deliveries(job, client)))


def _own(client: ApiClient, event_pk: int) -> Event:
    """The event, if the key may use its bot; the same 404 for one that does not exist."""
    event = Event.objects.select_related("bot").filter(pk=event_pk).first()
    if event is None or event.bot.deleted_at or not client.may_use(event.bot_id):
        raise not_found("event")
    return event


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "bot_id": str(event.bot_id),
        "event_id": event.event_id,
        "type": event.event_type,
        "status": EventStatus(event.status),
        "arrived_by": Arrived(event.arrived_by),
        "created_at": event.created_at,
        "received_at": event.received_at,
        "finished_at": event.finished_at,
        "duplicates": event.duplicates,
        "log_id": event.trace_id,
    }


def _deliveries(owner: Event | ReplayJob, client: ApiClient) -> list[DeliveryOut]:
    """The newest handler runs and deliveries of an event or a replay, in the order of their creation; of the deliveries
    those to subscriptions that the client may see."""
    runs = list(owner.handler_runs.order_by("-pk")[:MAX_DELIVERIES])[::-1]
    newest = owner.deliveries.select_related("subscription__owner").order_by("-pk")[:MAX_DELIVERIES]
    subscriptions = {delivery.subscription_id: delivery.subscription for delivery in newest}
    seen = {pk for pk, subscription in subscriptions.items() if covers(client, subscription)}
    deliveries = [delivery for delivery in reversed(newest) if delivery.subscription_id in seen]
    return [_delivery(run, handler=run.handler) for run in runs] + [
        _delivery(delivery, subscription=str(delivery.subscription_id)) for delivery in deliveries
    ]


def _delivery(row: HandlerRun | Delivery, *, handler: str = "", subscription: str = "") -> DeliveryOut:
    return DeliveryOut(
        handler=handler,
        subscription=subscription,
        status=RunStatus(row.status),
        attempts=row.attempts,
        round=row.round,
        current=row.is_current,
        finished_at=row.finished_at,
        error=last_line(redact_text(row.error)),
    )


def _aware(moment: datetime | None, name: str) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise Problem(422, "invalid_request", f"{name} needs a time zone, e.g. 2026-01-31T08:00:00Z.")
    return moment
