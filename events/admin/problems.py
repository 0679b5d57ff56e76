"""What went wrong with one event, each problem with its error and its repair: the top of the event's page."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from core.console.rendering import duration
from core.console.sentences import in_sentences
from core.vault.redaction import redact_text
from events.admin.life import EventLife
from events.enums import DeliveryFailure, EventStatus, RunFailure
from events.log.fingerprints import last_line
from events.log.sentences import shown
from events.models import Delivery, Event, HandlerRun
from feishu.callbacks import is_callback

MAX_PROBLEMS: Final = 5


@dataclass(frozen=True, slots=True)
class RepairButton:
    """A button: where it leads, and whether only those see it who may change something."""

    label: str
    address: str
    is_change: bool = True


@dataclass(frozen=True, slots=True)
class EventProblem:
    """``error`` is one line, ``details`` the whole text where that is longer. ``tone``: bad, or warn for what may be meant so."""

    title: str
    error: str = ""
    details: str = ""
    cure: str = ""
    repairs: list[RepairButton] = field(default_factory=list)
    tone: str = "bad"


def problems_of(life: EventLife, *, may_change: bool) -> list[EventProblem]:
    """The first ``MAX_PROBLEMS``; without the repairs that the reader may not make."""
    is_unaddressed = any(run.failure == RunFailure.NOT_ADDRESSED for run in life.runs if run.is_current)
    is_left = is_unaddressed and life.event.status == EventStatus.IGNORED
    of_event = () if is_left else _of_event(life.event)
    found = [*of_event, *map(_of_run, life.dead_runs), *map(_of_delivery, life.dead_deliveries)]
    if not may_change:
        found = [_without_changes(problem) for problem in found]
    return found[:MAX_PROBLEMS]


def _without_changes(problem: EventProblem) -> EventProblem:
    kept = [repair for repair in problem.repairs if not repair.is_change]
    return EventProblem(problem.title, problem.error, problem.details, problem.cure, kept, problem.tone)


def _of_event(event: Event) -> Iterator[EventProblem]:
    """What is wrong with the event itself, whatever its handlers did."""
    error = shown(redact_text(event.error))
    match event.status:
        case EventStatus.QUARANTINED if event.event_type:
            cure = gettext("It is stored whole. Once the cause is removed, replay it.")
            yield EventProblem(
                gettext("It could not be dispatched"), error, cure=cure, repairs=[_replay(event)]
            )
        case EventStatus.QUARANTINED:
            cure = gettext(
                "It is stored as it came, and nothing is lost. Whoever sends it has to send valid events."
            )
            yield EventProblem(gettext("It could not be read"), error, cure=cure)
        case EventStatus.IGNORED:
            cure = gettext("If it should be handled, switch on a handler or add one, then replay it.")
            repairs = (
                [_handlers_page(event)]
                if is_callback(event.event_type)
                else [_handlers_page(event), _replay(event)]
            )
            yield EventProblem(
                gettext("No handler is on for it"), error, cure=cure, repairs=repairs, tone="warn"
            )
        case EventStatus.STALE:
            late = duration(max(event.received_at - event.created_at, timedelta()))
            cure = gettext("If it should be handled all the same, replay it.")
            title = gettext("It arrived %(late)s late and was not handled") % {"late": late}
            yield EventProblem(title, error, cure=cure, repairs=[_replay(event)], tone="warn")
        case EventStatus.DEAD if error:
            yield EventProblem(gettext("It failed"), error)


def _of_run(run: HandlerRun) -> EventProblem:
    text = shown(redact_text(run.error.strip()))
    error = last_line(text)
    cause = str(RunFailure(run.failure).label) if run.failure else ""
    title = gettext("The handler %(handler)s failed") % {"handler": run.handler}
    if is_callback(run.event.event_type):
        cure = gettext("A click is not repeated: its answer would come too late. The person can click again.")
        repairs: list[RepairButton] = []
    else:
        cure = gettext("Remove the cause, then replay the event: only what failed runs again.")
        repairs = [_replay(run.event), _run_again(run)]
    return EventProblem(
        title, in_sentences(cause, error) if cause else error, text if "\n" in text else "", cure, repairs
    )


def _of_delivery(delivery: Delivery) -> EventProblem:
    title = gettext("It was not delivered to “%(name)s”") % {"name": delivery.subscription.name}
    cause = str(DeliveryFailure(delivery.failure).label) if delivery.failure else ""
    page = reverse("admin:events_subscription_change", args=[delivery.subscription_id])
    repairs = [RepairButton(gettext("Open the subscription"), page, is_change=False)]
    if not is_callback(delivery.event.event_type):
        repairs.insert(0, _replay(delivery.event))
    error = shown(redact_text(delivery.error.strip()))
    return EventProblem(title, in_sentences(cause, last_line(error)), repairs=repairs)


def _replay(event: Event) -> RepairButton:
    return RepairButton(gettext("Replay"), reverse("admin:events_event_replay_one", args=[event.pk]))


def _run_again(run: HandlerRun) -> RepairButton:
    address = reverse("admin:events_event_run_handler", args=[run.event_id])
    return RepairButton(gettext("Run this handler again"), f"{address}?{urlencode({'handler': run.handler})}")


def _handlers_page(event: Event) -> RepairButton:
    page = reverse("admin:events_handledbot_change", args=[event.bot_id])
    return RepairButton(gettext("Handlers of this bot"), page, is_change=False)
