"""The messages that a message refers to: those that were forwarded together with it, and the one that it answers.

The event of a merged forward says that there is one, and not what is in it; an answer names the message above it by its id.
Both are fetched once for an event, when the first handler or subscription that wants them comes to it, outside of any
transaction, and kept with the event: they go with it. What could not be fetched is named in their place. Where that may pass,
it is tried twice at once, all within a few seconds, and a second time some seconds later, for which whoever wants it waits
without holding anything; then the event goes on without, and it is tried again when the next who wants it comes later.
"""

import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, TypedDict

from django.db import IntegrityError, transaction
from django.utils import timezone
from msgspec import Meta

from core.background.retry import RetrySchedule
from core.background.waiting import GrowingPauses
from core.database.connections import give_back
from core.vault.keyring import SealedValueError
from core.vault.redaction import redact_text
from events.errors import MessagesAwaitedError
from events.models import Event, EventExpansion
from feishu.envelope import MESSAGE_RECEIVED
from feishu.errors import FeishuError, TransportError
from feishu.openapi import OpenAPI
from feishu.reasons import Reason
from feishu.values import mapping_of

logger = logging.getLogger(__name__)

MERGED: Final = "merge_forward"
MAX_MESSAGES: Final = 100
"""Of one event; the platform forwards that many together."""
MAX_BYTES: Final = 256 * 1024
SECONDS: Final = 5.0
"""For all questions to the platform, with pauses and tries, and for waiting until another process has asked them."""
CALL_SECONDS: Final = 2.5
"""For each of the two or three questions."""
SHORTEST: Final = 0.2
"""With less time left nothing is asked."""
TRIES: Final = 2
"""Of a question that failed for a reason that may pass."""
RETRIES: Final = RetrySchedule((10, 60, 600))
"""When what is still missing may be fetched for whoever wants it."""
CLAIM_SECONDS: Final = 10.0
"""After which a process that fetches is taken to be gone."""
AWAITED_SECONDS: Final = 45.0
"""From the first attempt on, in which whoever wants the messages waits for the second one."""
_PAUSES: Final = GrowingPauses(0.05, 0.5)
_BETWEEN_TRIES: Final = 0.5  # seconds


class ExpansionProblem(TypedDict):
    """A message that could not be fetched."""

    message_id: str
    platform_code: Annotated[int | None, Meta(description="The platform's code, where it answered")]
    message: str


class Expansion(TypedDict):
    """Messages as the platform's "Get message content" has them: `message_id`, `msg_type`, `sender`, `body.content`, …"""

    forwarded: Annotated[
        list[dict[str, Any]],
        Meta(description="The messages of a merged forward; `upper_message_id` names the one they were in"),
    ]
    quoted: Annotated[
        list[dict[str, Any]],
        Meta(
            description="The message that is answered (`parent_id`), and where it is a merged forward, what is in it"
        ),
    ]
    root: Annotated[
        list[dict[str, Any]],
        Meta(
            description="The same of the first message above it (`root_id`), where that is another one than the answered"
        ),
    ]
    truncated: Annotated[
        bool, Meta(description="Whether there was more: 100 messages and 256 KB of an event are kept")
    ]
    problems: list[ExpansionProblem]


def is_expandable(event: Event) -> bool:
    """Whether the event's message refers to others. Raises ValueError for an event that cannot be read."""
    return event.event_type == MESSAGE_RECEIVED and any(_references(event).values())


def expansion_of(event: Event) -> Expansion | None:
    """What the event's message refers to, fetched by the first who asks; None where it refers to nothing. Call it outside of a
    transaction: it may take ``SECONDS``. Raises ValueError for an event that cannot be read."""
    if not is_expandable(event):
        return None
    until = time.monotonic() + SECONDS
    for pause in _PAUSES.within(SECONDS):
        stored = EventExpansion.objects.filter(pk=event.pk).first()
        if stored is not None and stored.content is not None:
            return _completed(event, stored, until) if _claim_again(stored) else read(stored)
        if _claim(event, stored):
            return _fetch_and_keep(event, until=until)
        give_back(before_waiting=True)
        time.sleep(pause)
    return _nothing(event)


def expansion_in_time(event: Event) -> Expansion | None:
    """The same, for who can come again: what is missing is worth a second attempt. Raises MessagesAwaitedError as long as
    that one is to come."""
    expansion = expansion_of(event)
    if expansion is None or not expansion["problems"]:
        return expansion
    now = timezone.now()
    first = EventExpansion.objects.filter(
        pk=event.pk, attempts=1, claimed_at__gt=now - timedelta(seconds=AWAITED_SECONDS)
    ).first()
    if first is None:
        return expansion
    due = first.retry_at if first.content is not None else first.claimed_at + timedelta(seconds=CLAIM_SECONDS)
    if due is None:
        return expansion
    raise MessagesAwaitedError(max(due - now, timedelta(seconds=1)))


def kept(events: Iterable[Event]) -> dict[int, Expansion]:
    """What was fetched of these events before, by the event's key, in one query."""
    rows = EventExpansion.objects.filter(pk__in=[event.pk for event in events], content__isnull=False)
    return {row.pk: read(row) for row in rows}


def read(stored: EventExpansion) -> Expansion:
    """What is kept of an event."""
    content: Expansion = json.loads(bytes(stored.content or b"{}"))
    return content


def _claim(event: Event, stored: EventExpansion | None) -> bool:
    """Whether this process is the one to fetch."""
    now = timezone.now()
    if stored is None:
        try:
            with transaction.atomic():
                EventExpansion.objects.create(event=event, claimed_at=now)
        except IntegrityError:
            return False
        return True
    gone = now - timedelta(seconds=CLAIM_SECONDS)
    rows = EventExpansion.objects.filter(pk=event.pk, content=None, claimed_at__lt=gone)
    return bool(rows.update(claimed_at=now))


def _claim_again(stored: EventExpansion) -> bool:
    """Whether this process is the one to fetch what is missing; others have what there is meanwhile."""
    now = timezone.now()
    if stored.retry_at is None or stored.retry_at > now:
        return False
    rows = EventExpansion.objects.filter(pk=stored.pk, attempts=stored.attempts, retry_at__lte=now)
    return bool(rows.update(retry_at=now + timedelta(seconds=CLAIM_SECONDS)))


def _nothing(event: Event) -> Expansion:
    """Another process fetches, and has not come to an end."""
    said = "It is being fetched."
    problems: list[ExpansionProblem] = [
        {"message_id": message_id, "platform_code": None, "message": said}
        for message_id in _references(event).values()
        if message_id
    ]
    return {"forwarded": [], "quoted": [], "root": [], "truncated": False, "problems": problems}


def _completed(event: Event, stored: EventExpansion, until: float) -> Expansion:
    return _fetch_and_keep(event, read(stored), until=until, attempt=stored.attempts + 1)


def _fetch_and_keep(
    event: Event, before: Expansion | None = None, *, until: float, attempt: int = 1
) -> Expansion:
    expansion, may_pass = _fetch(event, before, until)
    content = json.dumps(expansion, ensure_ascii=False).encode(errors="backslashreplace")
    again = may_pass and not RETRIES.is_exhausted(attempt)
    EventExpansion.objects.filter(pk=event.pk).update(
        content=content,
        attempts=attempt,
        retry_at=timezone.now() + RETRIES.pause_after(attempt) if again else None,
    )
    return expansion


def _fetch(event: Event, before: Expansion | None, until: float) -> tuple[Expansion, bool]:
    """What there is, with what was fetched ``before``, and whether what is missing may be there later. ``until``: of the
    monotonic clock."""
    failed = {problem["message_id"] for problem in before["problems"]} if before else set()
    expansion: Expansion = {"forwarded": [], "quoted": [], "root": [], "truncated": False, "problems": []}
    may_pass = False
    try:
        api = OpenAPI(event.bot.credentials)
    except SealedValueError:
        said = "None of the portal's ENCRYPTION_KEYS opens the bot's secret."
        expansion["problems"].append({"message_id": "", "platform_code": None, "message": said})
        return expansion, False
    give_back(before_waiting=True)
    allowance = _Allowance()
    for name, message_id in _references(event).items():
        if not message_id:
            continue
        if before and message_id not in failed:
            expansion[name] = list(allowance.take(before[name]))  # type: ignore[literal-required]  # a list of messages each
            continue
        try:
            found = _messages(api, message_id, until)
        except FeishuError as error:
            may_pass = may_pass or error.retryable
            facts = {"app_id": event.bot.app_id, "event_id": event.event_id, "message_id": message_id}
            logger.warning("message_not_expanded", extra=facts | {"code": error.code, "error": str(error)})
            expansion["problems"].append(
                {
                    "message_id": message_id,
                    "platform_code": error.code,
                    "message": redact_text(error.message)[:300],
                }
            )
            continue
        if name == "forwarded":  # the message itself is the event's
            found = [item for item in found if item.get("message_id") != message_id]
        expansion[name] = list(allowance.take(found))  # type: ignore[literal-required]  # a list of messages each
    expansion["truncated"] = allowance.is_over or bool(before and before["truncated"])
    return expansion, may_pass


def _messages(api: OpenAPI, message_id: str, until: float) -> list[dict[str, Any]]:
    """Raises FeishuError."""
    error: FeishuError = TransportError("no time was left to ask", sent="no", reason=Reason.TIMEOUT)
    for number in range(TRIES):
        if number:
            time.sleep(_BETWEEN_TRIES)
        left = until - time.monotonic()
        if left < SHORTEST:
            break
        try:
            return api.messages(message_id, timeout=min(CALL_SECONDS, left))
        except FeishuError as failed:
            error = failed
        if not error.retryable:
            break
    raise error


class _Allowance:
    """How much may still be kept of an event."""

    def __init__(self) -> None:
        self._messages, self._bytes = MAX_MESSAGES, MAX_BYTES
        self.is_over = False

    def take(self, messages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for message in messages:
            size = len(json.dumps(message, ensure_ascii=False).encode(errors="backslashreplace"))
            if not self._messages or size > self._bytes:
                self.is_over = True
                return
            self._messages -= 1
            self._bytes -= size
            yield message


def _references(event: Event) -> dict[str, str]:
    """The ids of the messages to fetch, by what they are to the event's."""
    fields = mapping_of(event.data.get("message"))
    merged = _id(fields, "message_id") if fields.get("message_type") == MERGED else ""
    parent, root = _id(fields, "parent_id"), _id(fields, "root_id")
    return {"forwarded": merged, "quoted": parent or root, "root": root if parent and root != parent else ""}


def _id(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) and len(value) <= 128 else ""
