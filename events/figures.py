"""What the database knows of events, handler runs and deliveries that wait or failed, as metrics."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Min
from django.utils import timezone

from core.database.counts import count_up_to
from core.metrics.facts import MOST, Figures, alone, by_label, database_gauge, read_together
from events.enums import (
    ACTIVE_RUNS,
    OPEN_DELIVERIES,
    DeliveryStatus,
    EventStatus,
    RunStatus,
    SubscriptionState,
)
from events.models import Delivery, Event, HandlerRun, Subscription
from feishu.text import Text

if TYPE_CHECKING:
    from django.db.models import QuerySet

_WAITING_EVENTS = (EventStatus.RECEIVED, EventStatus.DISPATCHED)
_WAITING_RUNS = (*ACTIVE_RUNS, RunStatus.QUEUED)
_UP_TO = Text(f"，最多计至 {MOST}", f", counted up to {MOST}")

_events = database_gauge(
    "feishu_events_backlog",
    Text(
        f"尚未处理完的事件，按状态{_UP_TO.zh_cn}；quarantined 为无法解析的事件。",
        f"Events that are not handled yet, by status{_UP_TO.en_us}; quarantined ones could not be read.",
    ),
    "status",
)
_oldest = database_gauge(
    "feishu_events_oldest_seconds",
    Text(
        "最早的尚未分发的事件距今的时间；没有则为 0。",
        "Age of the oldest event that no worker has dispatched; 0 without one.",
    ),
)
_runs = database_gauge(
    "feishu_handler_runs_backlog",
    Text(
        f"尚未结束的处理，按状态{_UP_TO.zh_cn}。",
        f"Handler runs that have not ended, by status{_UP_TO.en_us}.",
    ),
    "status",
)
_runs_overdue = database_gauge(
    "feishu_handler_runs_overdue_seconds",
    Text(
        "最早的应当开始而尚未开始的处理已逾期的时间。",
        "For how long the handler run that has been due longest waits for a worker.",
    ),
)
_deliveries = database_gauge(
    "feishu_deliveries_backlog",
    Text(
        f"尚未送达的推送，按状态{_UP_TO.zh_cn}。",
        f"Deliveries to subscriptions that have not ended, by status{_UP_TO.en_us}.",
    ),
    "status",
)
_deliveries_overdue = database_gauge(
    "feishu_deliveries_overdue_seconds",
    Text(
        "最早的应当推送而尚未推送的事件已逾期的时间；不含等待对方拉取的事件。",
        "For how long the push that has been due longest waits; what receivers fetch themselves is left out.",
    ),
)
_dead = database_gauge(
    "feishu_dead_letters",
    Text(
        f"判定失败、等待人工处理的处理（handler）与推送（delivery）{_UP_TO.zh_cn}。",
        f"Handler runs and deliveries that failed for good and wait for a person{_UP_TO.en_us}.",
    ),
    "kind",
)
_subscriptions = database_gauge(
    "feishu_subscriptions",
    Text("订阅数，按状态。", "Subscriptions by state."),
    "state",
)


def _read_events() -> Sequence[Figures]:
    statuses = (*_WAITING_EVENTS, EventStatus.QUARANTINED)
    backlog = {status.value: _count(Event.objects.filter(status=status)) for status in statuses}
    # By the primary key, which the index has: the order of arrival.
    oldest = Event.objects.filter(status=EventStatus.RECEIVED).order_by("pk")
    return by_label(backlog), alone(_age(oldest.values_list("received_at", flat=True).first()))


def _read_runs() -> Sequence[Figures]:
    backlog = {status.value: _count(HandlerRun.objects.filter(status=status)) for status in _WAITING_RUNS}
    first = HandlerRun.objects.due().aggregate(first=Min("run_at"))["first"]
    return by_label(backlog), alone(_age(first))


def _read_deliveries() -> Sequence[Figures]:
    backlog = {status.value: _count(Delivery.objects.filter(status=status)) for status in OPEN_DELIVERIES}
    pushed = Subscription.objects.sending().values("pk")
    due = Delivery.objects.due().filter(subscription__in=pushed)
    return by_label(backlog), alone(_age(due.aggregate(first=Min("run_at"))["first"]))


def _read_dead() -> Sequence[Figures]:
    runs = HandlerRun.objects.filter(status=RunStatus.DEAD, is_current=True)
    deliveries = Delivery.objects.filter(status=DeliveryStatus.DEAD, is_current=True)
    return (by_label({"handler": _count(runs), "delivery": _count(deliveries)}),)


def _read_subscriptions() -> Sequence[Figures]:
    alive = Subscription.objects.filter(removed_at=None)
    return (by_label({state.value: _count(alive.filter(state=state)) for state in SubscriptionState}),)


def _count(rows: "QuerySet[Any]") -> int:
    return count_up_to(rows, MOST).count


def _age(moment: datetime | None) -> float:
    return 0.0 if moment is None else max(0.0, (timezone.now() - moment).total_seconds())


read_together(_events, _oldest, read=_read_events)
read_together(_runs, _runs_overdue, read=_read_runs)
read_together(_deliveries, _deliveries_overdue, read=_read_deliveries)
read_together(_dead, read=_read_dead)
read_together(_subscriptions, read=_read_subscriptions)
