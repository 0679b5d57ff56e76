"""The handler runs and deliveries that a replay adds in the place of earlier ones."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from bots.models import Bot
from events.enums import ENDED_DELIVERIES, ENDED_RUNS, DeliveryStatus, EventStatus, ReplayMode, RunStatus
from events.handling.completion import end_events
from events.handling.dispatch import hold_queues, insert_runs, queue_up, run_of
from events.handling.registry import Registration, handler_named, handlers_of
from events.log.counting import count_again
from events.models import Delivery, Event, HandlerRun, ReplayJob, Subscription
from events.subscriptions.fan_out import add_deliveries, delivery_to, wants
from feishu.callbacks import is_callback


def reprocess(event_pks: Sequence[int], job: ReplayJob) -> int:
    """Add new handler runs and deliveries of these events as ``job`` says, in the caller's transaction. Returns the number
    of events that got any.

    What was recorded of earlier ones stays; nothing is added beside one that is still under way. Clicks are skipped,
    because their answer comes too late, and so are unreadable events.
    """
    hold_queues(Event.objects.filter(pk__in=event_pks).order_by().values_list("bot_id", flat=True).distinct())
    rows = Event.objects.select_for_update(no_key=True).filter(pk__in=event_pks).order_by("pk")
    events = [event for event in rows if is_replayable(event)]
    rerun = _rerun(events, job)
    resent = _resend(events, job)
    count_again(event for event in events if event.pk in rerun | resent)
    # These ended without a receiver; they have one now.
    unhandled = (EventStatus.IGNORED, EventStatus.STALE, EventStatus.QUARANTINED)
    Event.objects.filter(pk__in=resent - rerun, status__in=unhandled).update(
        status=EventStatus.DONE, error=""
    )
    return len(rerun | resent)


def is_replayable(event: Event) -> bool:
    """Whether the event can be handled again at all: it is no callback, it can be read, and it was dispatched before."""
    if event.status == EventStatus.RECEIVED or is_callback(event.event_type):
        return False
    # Quarantined is also what could be read, and not dispatched.
    return event.status != EventStatus.QUARANTINED or (bool(event.event_type) and _is_readable(event))


def _is_readable(event: Event) -> bool:
    try:
        event.data  # noqa: B018 -- for what it raises
    except (ValueError, RecursionError):
        return False
    return True


def _rerun(events: Sequence[Event], job: ReplayJob) -> set[int]:
    """Run the chosen handlers again; returns the events for which there are any."""
    if job.subscriptions and not job.handlers:
        return set()
    current: dict[int, dict[str, HandlerRun]] = {event.pk: {} for event in events}
    for run in HandlerRun.objects.filter(event_id__in=current, is_current=True):
        current[run.event_id][run.handler] = run
    new: list[HandlerRun] = []
    for event in events:
        errors: dict[str, Exception] = {}
        for handler in _handlers(event, current[event.pk], job, errors):
            old = current[event.pk].get(handler.name)
            run = run_of(event, handler, error=errors.get(handler.name))
            run.replay, run.round = job, old.round + 1 if old else 0
            new.append(run)
    replaced = [old.pk for run in new if (old := current[run.event_id].get(run.handler))]
    HandlerRun.objects.filter(pk__in=replaced).update(is_current=False)
    queue_up(new)
    insert_runs(new)
    pks = {run.event_id for run in new}
    Event.objects.filter(pk__in=pks).update(status=EventStatus.DISPATCHED, finished_at=None, error="")
    end_events({run.event_id for run in new if run.status == RunStatus.DEAD})
    return pks


def _handlers(
    event: Event, current: Mapping[str, HandlerRun], job: ReplayJob, errors: dict[str, Exception]
) -> list[Registration]:
    """The handlers that run again: those that failed, or all for which the event is, as of one that was never dispatched;
    none that is still running. ``errors``: see ``handlers_of``."""
    if job.mode == ReplayMode.ALL or event.status == EventStatus.QUARANTINED:
        handlers = [
            handler
            for handler in handlers_of(event, errors)
            if handler.name not in current or current[handler.name].status in ENDED_RUNS
        ]
    else:
        dead = [name for name, old in current.items() if old.status == RunStatus.DEAD]
        handlers = [handler for handler in map(handler_named, dead) if handler is not None]
    return [handler for handler in handlers if not job.handlers or handler.name in job.handlers]


def _resend(events: Sequence[Event], job: ReplayJob) -> set[int]:
    """Deliver to the chosen subscriptions again; returns the events for which there are any."""
    if job.handlers and not job.subscriptions:
        return set()
    current: dict[int, dict[UUID, Delivery]] = {event.pk: {} for event in events}
    for delivery in Delivery.objects.filter(event_id__in=current, is_current=True):
        current[delivery.event_id][delivery.subscription_id] = delivery
    collecting = _collecting({event.bot_id for event in events})
    new: list[Delivery] = []
    for event in events:
        for subscription in _receivers(event, current[event.pk], collecting[event.bot_id], job):
            delivery, old = delivery_to(subscription, event), current[event.pk].get(subscription.pk)
            delivery.replay, delivery.round = job, old.round + 1 if old else 0
            new.append(delivery)
    replaced = [old.pk for one in new if (old := current[one.event_id].get(one.subscription_id))]
    Delivery.objects.filter(pk__in=replaced).update(is_current=False)
    add_deliveries(new)
    return {one.event_id for one in new}


def _collecting(bot_ids: Iterable[UUID]) -> dict[UUID, list[Subscription]]:
    bots = Bot.objects.in_bulk(list(bot_ids))
    return {bot_id: list(Subscription.objects.collecting(bots[bot_id])) for bot_id in bots}


def _receivers(
    event: Event, current: Mapping[UUID, Delivery], subscriptions: Sequence[Subscription], job: ReplayJob
) -> list[Subscription]:
    """The subscriptions that get the event again, by the rules of ``_handlers``."""

    def is_chosen(subscription: Subscription) -> bool:
        if job.subscriptions and str(subscription.pk) not in job.subscriptions:
            return False
        old = current.get(subscription.pk)
        if old is not None and old.status == DeliveryStatus.DEAD:
            return True
        has_ended = old is None or old.status in ENDED_DELIVERIES
        is_for_all = job.mode == ReplayMode.ALL or event.status == EventStatus.QUARANTINED
        return is_for_all and has_ended and wants(subscription, event)

    return [subscription for subscription in subscriptions if is_chosen(subscription)]
