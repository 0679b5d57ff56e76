"""The audit log as CSV: streamed, of bounded length, and harmless in a spreadsheet."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import get_language, gettext, override

from core.access.audit_actions import ACTIONS
from core.access.audit_sentences import in_words
from core.access.models import AuditEntry
from core.console.rendering import actor
from core.vault.redaction import redact

MAX_EXPORTED: Final = 50_000
"""Entries in one file, the newest; its last line says where there are more."""
BATCH: Final = 500
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that a spreadsheet would calculate (OWASP)."""


def csv_response(request: HttpRequest, rows: QuerySet[AuditEntry]) -> StreamingHttpResponse:
    """The file with ``rows``, in the language of the page. UTF-8 with a mark, by which Excel knows it."""
    texts = _texts(rows, get_language() or "en")
    streamed = _asynchronously(texts) if isinstance(request, ASGIRequest) else texts
    response = StreamingHttpResponse(streamed, content_type="text/csv; charset=utf-8")
    name = f"audit-{timezone.localtime():%Y%m%d-%H%M%S}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


async def _asynchronously(texts: Iterator[str]) -> AsyncIterator[str]:
    following = sync_to_async(partial(next, texts, None))
    while (text := await following()) is not None:
        yield text


def _texts(rows: QuerySet[AuditEntry], language: str) -> Iterator[str]:
    """The file in pieces; each is made in one query for the entries and two for names, however the log grows meanwhile."""
    with override(language):
        heads = [
            gettext("time"), gettext("actor"), gettext("client address"), gettext("action"), gettext("what was done"),
            gettext("changes"), gettext("bot"), gettext("App ID"), gettext("target"), gettext("detail"),
        ]  # fmt: skip
        first = "\ufeff" + _lines([heads])
    yield first
    written, before = 0, None
    while written < MAX_EXPORTED:
        older = rows if before is None else rows.filter(pk__lt=before)
        entries = list(older.order_by("-pk")[: min(BATCH, MAX_EXPORTED - written)])
        if not entries:
            return
        with override(language):
            text = _lines(
                [
                    [
                        entry.at.isoformat(timespec="seconds"),
                        actor(entry.actor),
                        entry.address,
                        str(ACTIONS[entry.action].name) if entry.action in ACTIONS else entry.action,
                        words.sentence,
                        "; ".join(words.changes),
                        words.bot,
                        entry.app_id,
                        entry.target,
                        json.dumps(redact(entry.detail), ensure_ascii=False) if entry.detail else "",
                    ]
                    for entry, words in zip(entries, in_words(entries), strict=True)
                ]
            )
        yield text
        written, before = written + len(entries), entries[-1].pk
    with override(language):
        last = gettext("There are more entries: narrow the filters to export the others.")
    if rows.filter(pk__lt=before).exists():
        yield _lines([[last]])


def _lines(rows: list[list[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([_harmless(cell) for cell in row] for row in rows)
    return file.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
