"""Metrics of events: what arrives, how soon it is acknowledged and handled, and what waits or failed."""

from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

import prometheus_client

from bots.metrics import bot_label
from core.metrics.labels import OTHER, BoundedLabels
from core.metrics.registry import WAITS, counter, histogram
from events.enums import Arrived, DeliveryStatus, OptionalWork, RunStatus
from feishu.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.handling.completion import RunEnd
    from events.ingress.incoming import IncomingEvent
    from events.ingress.store_once import Stored
    from events.models import HandlerRun

MAX_TYPES: Final = 150
"""Types of events with series of their own, those that came first."""
MAX_RECEIVED: Final = 5_000
"""Series of bot, transport and type together."""
MAX_HANDLERS: Final = 200

_types = BoundedLabels(MAX_TYPES)
_series = BoundedLabels(MAX_RECEIVED)
_handlers = BoundedLabels(MAX_HANDLERS)

_received = counter(
    "feishu_events_received_total",
    Text("收到的事件与回调，含重复推送。", "Events and callbacks that arrived, repeated ones included."),
    "bot",
    "transport",
    "type",
)
_duplicates = counter(
    "feishu_events_duplicate_total",
    Text("重复推送的事件，未再次存储。", "Events that the platform pushed again; none is stored twice."),
    "bot",
)
_ack_seconds = histogram(
    "feishu_event_ack_seconds",
    Text(
        "事件从到达至提交入库（随即应答）的时间；Webhook 为从请求到应答。",
        "From an event's arrival to its commit, upon which it is acknowledged; by webhook from the request to its answer.",
    ),
    "transport",
)
_batch_size = histogram(
    "feishu_event_batch_size",
    Text("一次提交写入的事件数。", "Events written in one commit."),
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 512),
)
_not_stored = counter(
    "feishu_events_not_stored_total",
    Text(
        "因数据库不可用而拒绝的事件，平台会重新推送。",
        "Events refused because the database was away; the platform pushes them again.",
    ),
)
_shed = counter(
    "feishu_shed_work_total",
    Text("高负载时省略的可选工作，按类别。", "Optional work that was left out under load, by kind."),
    "work",
)
_webhook_refused = counter(
    "feishu_webhook_refused_total",
    Text("被拒绝的 Webhook 请求，按原因。", "Webhook requests that were refused, by reason."),
    "bot",
    "reason",
)
_handler_seconds = histogram(
    "feishu_handler_seconds",
    Text(
        "处理器单次执行的时间，无论成败；停止响应者不计。",
        "One attempt of a handler that came back, whether it succeeded or failed.",
    ),
    "handler",
)
_handler_attempts = counter(
    "feishu_handler_attempts_total",
    Text(
        "已结束的处理次数，含超时与进程丢失者；失败率以此为分母。",
        "Attempts that ended, those that hung or lost their worker included: what failures are a share of.",
    ),
    "handler",
)
_handler_failures = counter(
    "feishu_handler_failures_total",
    Text(
        "失败的处理次数；outcome 为原因：raised、timed_out、worker_lost 等。",
        "Attempts that failed; outcome is the cause: raised, timed_out, worker_lost and so on.",
    ),
    "handler",
    "outcome",
)
_handler_dead = counter(
    "feishu_handler_dead_total",
    Text("放弃重试而判定失败的处理。", "Handler runs that failed for good, after their last attempt."),
    "handler",
)
_handled_seconds = histogram(
    "feishu_event_handled_seconds",
    Text(
        "事件从到达至处理器成功完成的时间；重放除外。",
        "From an event's arrival to the success of a handler; replays are left out.",
    ),
    buckets=WAITS,
)
_callback_seconds = histogram(
    "feishu_callback_seconds",
    Text(
        "回调（如卡片点击）从到达至应答的时间；超过 3 秒平台不再等待。",
        "From a callback's arrival, e.g. a card click, to its answer; the platform waits for 3 s.",
    ),
    "bot",
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0),
)
_rescued = counter(
    "feishu_callbacks_rescued_total",
    Text(
        "处理器未及完成、先行应答“处理中”的回调；结果稍后更新到卡片。",
        "Callbacks answered before their handler was done; its card follows.",
    ),
    "bot",
)
_card_updates = counter(
    "feishu_card_updates_total",
    Text(
        "应答之后对卡片的更新，按结果：ok、failed。",
        "Updates of cards behind the answer to a click: ok or failed.",
    ),
    "outcome",
)
_deliveries = counter(
    "feishu_deliveries_total",
    Text(
        "向订阅方的推送次数与被取走的事件数，按结果：succeeded、retrying、dead、fetched。",
        "Attempts to push to subscriptions, by outcome: succeeded, retrying, dead; fetched: taken by the receiver itself.",
    ),
    "outcome",
)
_delivery_seconds = histogram(
    "feishu_delivery_seconds",
    Text("事件从到达至成功推送的时间。", "From an event's arrival to its successful push."),
    buckets=WAITS,
)
FETCHED: Final = "fetched"

# Told from the start: of a series that begins with its first count Prometheus sees no increase.
for _outcome in (DeliveryStatus.SUCCEEDED, DeliveryStatus.RETRYING, DeliveryStatus.DEAD, FETCHED):
    _deliveries.labels(str(_outcome))
for _work in OptionalWork:
    _shed.labels(_work.value)


def count_stored(events: "Sequence[IncomingEvent]", results: "Sequence[Stored]") -> None:
    """A batch was committed. Counted together: an event costs a part of a microsecond here, of seventy in all."""
    now = datetime.now(UTC)
    received: Counter[tuple[UUID, str, str]] = Counter()
    repeated: Counter[UUID] = Counter()
    delays = []
    for event, stored in zip(events, results, strict=True):
        received[event.bot_id, event.arrived_by, event.event_type] += 1
        if stored.event_pk is None:
            repeated[event.bot_id] += 1
        if event.arrived_by == Arrived.WEBSOCKET and not event.is_callback:
            delays.append((now - event.received_at).total_seconds())
    for (bot_id, transport, event_type), count in received.items():
        _received_of(bot_label(bot_id), transport, event_type).inc(count)
    for bot_id, count in repeated.items():
        _duplicates.labels(bot_label(bot_id)).inc(count)
    if delays:
        _ack_seconds.labels(Arrived.WEBSOCKET.value).observe_all(delays)
    _batch_size.observe(len(events))


@lru_cache(maxsize=MAX_RECEIVED)
def _received_of(bot: str, transport: str, event_type: str) -> prometheus_client.Counter:
    (bounded,) = _types.bounded(event_type or "unreadable")
    return _received.labels(*_series.bounded(bot, str(transport), bounded))


def count_not_stored(events: int) -> None:
    _not_stored.inc(events)


def count_shed(work: str, times: int) -> None:
    _shed.labels(work).inc(times)


def count_webhook_answer(seconds: float) -> None:
    """An event by webhook was answered."""
    _ack_seconds.labels(Arrived.WEBHOOK.value).observe(seconds)


def count_webhook_refusal(bot_id: UUID | None, reason: str) -> None:
    """``bot_id``: None for a request to no bot of ours."""
    _webhook_refused.labels(OTHER if bot_id is None else bot_label(bot_id), reason).inc()


def count_attempt(run: "HandlerRun", *, seconds: float, succeeded: bool) -> None:
    """A handler came back."""
    (handler,) = _handlers.bounded(run.handler)
    _handler_seconds.labels(handler).observe(seconds)
    if succeeded:
        _handler_attempts.labels(handler).inc()
    if succeeded and not run.round:
        _handled_seconds.observe(max(0.0, (datetime.now(UTC) - run.event.received_at).total_seconds()))


def count_failures(ends: "Sequence[RunEnd]") -> None:
    """These ends were written; of those that are failures one is counted for each."""
    for end in ends:
        if not end.failure or end.status == RunStatus.SKIPPED:
            continue
        (handler,) = _handlers.bounded(end.run.handler)
        _handler_attempts.labels(handler).inc()
        _handler_failures.labels(handler, str(end.failure)).inc()
        if end.is_over:
            _handler_dead.labels(handler).inc()


def count_callback(bot_id: UUID, seconds: float) -> None:
    """A callback was answered."""
    _callback_seconds.labels(bot_label(bot_id)).observe(seconds)


def count_rescue(bot_id: UUID) -> None:
    """A callback was answered before its handler was done."""
    _rescued.labels(bot_label(bot_id)).inc()


def count_card_update(*, succeeded: bool) -> None:
    _card_updates.labels("ok" if succeeded else "failed").inc()


def count_deliveries(outcome: str, times: int = 1) -> None:
    """``outcome``: a status of deliveries, or ``FETCHED``."""
    _deliveries.labels(outcome).inc(times)


def count_pushed(received_at: datetime, *, is_replay: bool) -> None:
    """A push succeeded, of an event that came then."""
    if not is_replay:
        _delivery_seconds.observe(max(0.0, (datetime.now(UTC) - received_at).total_seconds()))
