"""What is written down of a streamed reply, before and while it is shown: who may write on its cards, and which they are.

Each claim is one conditional UPDATE, which raises ``epoch``. Whoever was claimed from finds no row any more, and its calls are
refused by the platform: their numbers are lower.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import Error, transaction
from django.db.models import F
from django.utils import timezone

from bots.enums import StreamState
from bots.errors import BotDisabledError, SendingUnderWayError
from bots.models import Bot, ReplyStream
from bots.models.streams import ReplyStreamQuerySet
from bots.sending.content import Outgoing
from bots.sending.idempotency import KEY_LIFE, earlier, key_hash, once
from core.access.actors import Actor
from core.background.retry import RetrySchedule
from core.database.clock import DatabaseTime
from core.database.errors import described
from core.database.text import storable
from core.log_pace import THINNED
from core.vault.redaction import redact_text
from feishu.errors import FeishuError
from feishu.streaming.reply import MAX_EPOCH, is_passing

logger = logging.getLogger(__name__)

LEASE_SECONDS: Final = 45.0
"""Without a sign of life for so long a reply is taken to be left."""
RENEW_SECONDS: Final = 10.0
CLOSINGS: Final = RetrySchedule((15, 60, 300, 1800, 3600, 3600, 3600, 3600, 3600, 3600, 3600, 3600))
"""Between attempts to close what was left; then it is given up."""
ENDED: Final = frozenset({StreamState.COMPLETE, StreamState.TOO_LONG})


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who writes a reply. ``key`` is the same for a repetition of it; ``is_alone``: nobody else writes under that key at the
    same time, so what is under way there was left behind."""

    actor: str
    client_id: int | None = None
    key: str = ""
    is_alone: bool = False

    @classmethod
    def client(cls, actor: Actor, key: str) -> "Author":
        return cls(actor=str(actor), client_id=actor.client_id, key=key)

    @property
    def key_hash(self) -> str | None:
        return key_hash(self.key, self.client_id)


def begin(*, bot: Bot, to: Outgoing, author: Author) -> ReplyStream:
    """The row of the reply, claimed; or one that has ended well before. Raises SendingError or BotDisabledError."""
    if not bot.enabled:
        raise BotDisabledError
    with transaction.atomic(durable=True):
        if author.key_hash is not None:
            same = ReplyStream.objects.filter(bot=bot, key_hash=author.key_hash)
            # A handler's key is used for one event alone.
            life = None if author.client_id is None else KEY_LIFE
            if (found := earlier(same, fingerprint=to.fingerprint, life=life)) is not None:
                return _again(found, author)
        new = ReplyStream(
            bot=bot,
            actor=author.actor[:200],
            client_id=author.client_id,
            kind=to.kind,
            receive_id_type=to.receive_id_type or "",
            target=to.target,
            key_hash=author.key_hash,
            fingerprint=to.fingerprint,
        )
        with once():
            new.save(force_insert=True)
        ReplyStream.objects.filter(pk=new.pk).update(lease_until=DatabaseTime(LEASE_SECONDS))
        return new


def _again(row: ReplyStream, author: Author) -> ReplyStream:
    if row.state in ENDED:
        return row
    is_left = author.is_alone or row.state != StreamState.RUNNING
    claimed = claim(row, is_left=is_left, attempts=F("attempts") + 1, **_RUNNING)
    if claimed is None:
        raise SendingUnderWayError(5)
    return claimed


_RUNNING: Final[dict[str, object]] = {
    "state": StreamState.RUNNING,
    "is_open": True,
    "ended_at": None,
    "closings": 0,
    "code": None,
    "reason": "",
    "said": "",
    "log_id": "",
}


def claim(row: ReplyStream, *, is_left: bool = False, **values: object) -> ReplyStream | None:
    """The row with the next epoch, for whoever writes on its cards from now on; None where somebody else is at it.
    ``is_left``: whatever its lease says."""
    rows = ReplyStream.objects.filter(pk=row.pk, epoch=row.epoch, epoch__lt=MAX_EPOCH)
    if not is_left:
        rows = rows.filter(lease_until__lt=DatabaseTime())
    if not rows.update(epoch=F("epoch") + 1, lease_until=DatabaseTime(LEASE_SECONDS), **values):
        return None
    return ReplyStream.objects.select_related("bot").get(pk=row.pk)


def keep(row: ReplyStream, pages: Sequence[tuple[str, str]] | None = None, *, chat_id: str = "") -> bool:
    """Renew the lease, and note the cards there are now; whether the row is still this claim's."""
    values: dict[str, object] = {"lease_until": DatabaseTime(LEASE_SECONDS)}
    if pages is not None:
        values["cards"] = [list(page) for page in pages]
    if chat_id:
        values["chat_id"] = storable(chat_id, 128)
    return bool(_own(row).update(**values))


def end(
    row: ReplyStream,
    state: StreamState,
    *,
    characters: int = 0,
    error: Exception | None = None,
    is_closed: bool = True,
) -> None:
    """How it ended. Where its cards are not closed, the next sweep does it."""
    values: dict[str, object] = {
        "state": state,
        "characters": characters,
        "ended_at": timezone.now(),
        "is_open": not is_closed,
        "lease_until": None if is_closed else DatabaseTime(),
    }
    if isinstance(error, FeishuError):
        values |= {
            "code": error.code,
            "reason": error.reason or "",
            "said": storable(redact_text(error.message), 300),
            "log_id": storable(error.log_id, 128),
        }
    elif error is not None:
        values["said"] = storable(redact_text(f"{type(error).__name__}: {error}"), 300)
    _own(row).update(**values)


def closed(row: ReplyStream) -> None:
    """A sweep has closed it; what was being written was interrupted."""
    _own(row).update(
        is_open=False,
        lease_until=None,
        ended_at=row.ended_at or timezone.now(),
        state=StreamState.INTERRUPTED if row.state == StreamState.RUNNING else row.state,
    )


def not_closed(row: ReplyStream, error: FeishuError) -> None:
    """A sweep could not close it: another one will, or nobody any more."""
    attempts = row.closings + 1
    is_over = CLOSINGS.is_exhausted(attempts) or not is_passing(error)
    pause = CLOSINGS.pause_after(attempts) / timedelta(seconds=1)
    _own(row).update(
        closings=attempts,
        state=StreamState.FAILED,
        ended_at=row.ended_at or timezone.now(),
        lease_until=None if is_over else DatabaseTime(pause),
        code=error.code,
        reason=error.reason or "",
        said=storable(redact_text(error.message), 300),
        log_id=storable(error.log_id, 128),
    )


def log_not_written(error: Error) -> None:
    """The database is away: what was to be written down is found out by a sweep."""
    logger.warning("stream_not_written", extra=described(error) | THINNED)


def _own(row: ReplyStream) -> ReplyStreamQuerySet:
    return ReplyStream.objects.filter(pk=row.pk, epoch=row.epoch)
