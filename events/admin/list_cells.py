"""What the rows of the event log show beside an event's own columns, read for a whole page at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from core.access.bot_directory import PersonRef
from core.console import people
from core.console.people import Named
from core.console.rendering import EMPTY, duration
from core.console.sentences import in_language
from core.vault.redaction import redact_text
from events.enums import RunStatus
from events.log.summaries import read_summaries
from events.models import Event, HandlerRun
from feishu.event_names import name_of
from feishu.message_parts import KIND_NAMES

MAX_CHIPS: Final = 3
MAX_RUNS: Final = 1_000
"""Of a page."""
_MARKS: Final = {
    RunStatus.DEAD: "✕",
    RunStatus.RETRYING: "↻",
    RunStatus.SKIPPED: "⊘",
    RunStatus.SUCCEEDED: "✓",
}


@dataclass(slots=True)
class Cells:
    """Of one event: its current handler runs, those that failed first, and who its sender is, where that is known."""

    runs: list[HandlerRun] = field(default_factory=list)
    sender: Named | None = None

    @property
    def is_replayed(self) -> bool:
        return any(run.round for run in self.runs)


def read_cells(events: Sequence[Event]) -> dict[int, Cells]:
    """By the events' primary keys, in three queries for a page. The events have their summaries afterwards."""
    read_summaries(events)
    cells = {event.pk: Cells() for event in events}
    runs = HandlerRun.objects.filter(event__in=list(cells), is_current=True).order_by("pk")
    for run in runs.only("event_id", "handler", "status", "failure", "round")[:MAX_RUNS]:
        cells[run.event_id].runs.append(run)
    for one in cells.values():
        one.runs.sort(key=lambda run: run.status != RunStatus.DEAD)
    known = senders_of(events)
    for event in events:
        cells[event.pk].sender = known.get(sender_of(event))
    return cells


def sender_of(event: Event) -> PersonRef:
    """Who wrote, clicked, joined; with an empty open_id where nobody did."""
    return event.bot_id, event.summary.sender


def senders_of(events: Iterable[Event]) -> Mapping[PersonRef, Named]:
    """Who the senders are, in one query; those of whom nothing is known yet are looked up for the next time."""
    return people.names_of({sender_of(event) for event in events})


def sender(event: Event, known: Named | None) -> str:
    """The person, with the open_id in the title; the short open_id of somebody whose name is not known."""
    _bot, open_id = sender_of(event)
    return people.shown(open_id, known, linked=True) if people.called(known) else short_id(open_id)


def type_in_words(event_type: str) -> str:
    """What the platform calls the type; the type itself where it has no name here."""
    name = name_of(event_type)
    return in_language(name) if name else event_type or gettext("unknown")


def said(event: Event) -> str:
    """The event's text in short; of a message that is no text, its kind before it. Without secrets."""
    kind, text = event.summary.kind, redact_text(event.summary.text)
    if kind in {"", "text", "post"}:
        return text
    name = KIND_NAMES.get(kind)
    return f"[{in_language(name) if name else kind}] {text}".strip()


def short_id(value: str) -> str:
    """The beginning and the end of an id, by which a person tells it from others; all of it in its title."""
    if not value:
        return EMPTY
    short = value if len(value) <= 12 else f"{value[:3]}…{value[-5:]}"
    return format_html('<code class="portal-id" title="{}">{}</code>', value, short)


def chat(event: Event) -> str:
    """Empty for an event of no chat."""
    chat_id = event.summary.chat
    if event.summary.chat_type == "p2p":
        return format_html('<span title="{}">{}</span>', chat_id, gettext("Private chat"))
    return short_id(chat_id) if chat_id else ""


def chips(runs: Iterable[HandlerRun]) -> SafeString:
    """A chip for each handler, the failing ones in red, the last one for those that have no room."""
    runs = list(runs)
    shown = format_html_join(
        " ",
        '<span class="portal-chip" data-status="{}" title="{} · {}">{} {}</span>',
        (
            (run.status, run.handler, run.status_in_words, _MARKS.get(RunStatus(run.status), "…"), short_name(run.handler))
            for run in runs[:MAX_CHIPS]
        ),
    )  # fmt: skip
    more = len(runs) - MAX_CHIPS
    if more <= 0:
        return shown
    hidden = ", ".join(run.handler for run in runs[MAX_CHIPS:])
    return format_html('{} <span class="portal-chip" title="{}">+{}</span>', shown, hidden, more)


def short_name(handler: str) -> str:
    """The last part of a handler's name."""
    return handler.rpartition(".")[2] or handler


def took(event: Event, cells: Cells) -> str:
    """From the platform to the end of the event's handlers; of one that was replayed later, that says nothing."""
    if event.finished_at is None or cells.is_replayed:
        return EMPTY
    return duration(max(event.finished_at - event.created_at, timedelta()))
