"""Keeping cards in step with rows: sent once, then patched in place whenever the row has changed.

Whoever claims the card shows the newest version, and goes on while there is a newer one, so that no patch overtakes another.
"""

import logging
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Least
from django.utils import timezone

from bots.models.synced_cards import SyncedCard, retry_is_due
from core.background.retry import RetrySchedule
from core.database.connections import give_back
from core.database.text import storable
from core.log_context import log_context
from core.vault.keyring import SealedValueError
from core.vault.redaction import redact_text
from feishu.errors import APIError, FeishuError
from feishu.openapi import Json, OpenAPI

if TYPE_CHECKING:
    from django.db.models import QuerySet

C = TypeVar("C", bound=SyncedCard)

logger = logging.getLogger(__name__)

CLAIM: Final = timedelta(seconds=120)
"""Longer than any attempt takes: two calls and two questions for a token, each bounded."""
MAX_ROUNDS: Final = 5
"""Versions that are shown one after the other; the sweep shows what comes after."""
MAX_COUNTED: Final = 1000
"""Attempts: what changes often is shown often, as long as its card cannot be."""
SWEEP_LIMIT: Final = 500
_GONE: Final = frozenset({230011, 230031, 230110})
"""Recalled, deleted, or older than the 14 days in which a card can be patched."""


class CardSync(ABC, Generic[C]):
    """A kind of row that has a card: its table, and what is sent. Its default manager knows ``card_out_of_date``."""

    table: ClassVar[type[Any]]
    fact: ClassVar[str]
    """What log lines call a row."""
    related: ClassVar[tuple[str, ...]] = ("bot",)
    retries: ClassVar[RetrySchedule]

    @abstractmethod
    def show(self, row: C, *, timeout: float | None) -> str:
        """The id of the message that shows the row now, sent or patched; empty where nothing is to be shown. Raises
        FeishuError."""

    @abstractmethod
    def shown(self, row: C, message_id: str) -> dict[str, Any]:
        """Columns that say what this message shows, ``card_shows`` among them."""

    def claimable(self) -> Q:
        """Rows that are shown where somebody asks for it, and not by the sweep alone."""
        return retry_is_due()

    def given_up(self, row: C) -> None:
        """The card is not tried any more; in the transaction that says so."""

    # --- for callers

    def sync(self, pk: object, *, timeout: float | None = None) -> None:
        """Show the newest version, unless somebody else is at it. ``timeout``: seconds for each call to the platform (15). Raises
        FeishuError or SealedValueError where it could not be shown; then the sweep tries again."""
        for _round in range(MAX_ROUNDS):
            row = self._claim(pk)
            if row is None:
                return
            with log_context(**{"app_id": row.bot.app_id, self.fact: str(row.pk)}):
                try:
                    message_id = self.show(row, timeout=timeout)
                except (FeishuError, SealedValueError) as error:
                    self._postpone(row, error)
                    raise
            self._of(row).update(
                **{"card_retry_at": None, **self.shown(row, message_id)},
                message_id=storable(message_id, 128),
                card_claimed_until=None,
                card_attempts=0,
                card_error="",
            )

    def due(self) -> list[Any]:
        """Rows whose card is unsent or out of date, because nobody was notified, or a retry is due."""
        rows = self.table._default_manager.card_out_of_date().filter(
            _is_unclaimed(), retry_is_due(), card_given_up=False
        )
        return list(rows.order_by("card_retry_at").values_list("pk", flat=True)[:SWEEP_LIMIT])

    # --- steps

    def _claim(self, pk: object) -> Any:
        """The row as it is now, where its card is to be shown and nobody else shows it."""
        free = self.table._default_manager.card_out_of_date().filter(_is_unclaimed(), self.claimable(), pk=pk)
        attempts = Least(F("card_attempts") + 1, MAX_COUNTED)
        if not free.update(card_claimed_until=timezone.now() + CLAIM, card_attempts=attempts):
            return None
        return self.table._default_manager.select_related(*self.related).filter(pk=pk).first()

    @transaction.atomic
    def _postpone(self, row: C, error: FeishuError | SealedValueError) -> None:
        """Release the claim and note the failure; given up where no retry would help, or none is left."""
        failed = failed_attempt(error, attempts=row.card_attempts, retries=self.retries)
        logger.warning("card_not_shown", extra={"error": failed["card_error"]})
        is_over = failed["card_retry_at"] is None
        self._of(row).update(card_claimed_until=None, card_given_up=is_over, **failed)
        if is_over:
            self.given_up(row)

    def _of(self, row: C) -> "QuerySet[Any]":
        rows: QuerySet[Any] = self.table._default_manager.filter(pk=row.pk)
        return rows


def failed_attempt(
    error: FeishuError | SealedValueError, *, attempts: int, retries: RetrySchedule
) -> dict[str, Any]:
    """Columns of a row whose card could not be shown at this attempt, counted from 1: the error, redacted, and when to try
    again; None where no retry would help, or none is left."""
    again = isinstance(error, FeishuError) and error.retryable and not retries.is_exhausted(attempts)
    return {
        "card_retry_at": timezone.now() + retries.pause_after(attempts) if again else None,
        "card_error": storable(redact_text(str(error)), 500),
    }


def patch_card(api: OpenAPI, message_id: str, card: Json, *, timeout: float | None = None) -> bool:
    """Whether the message shows the card now: not where it was recalled or is too old. Raises FeishuError."""
    give_back(before_waiting=True)
    try:
        api.patch_card(message_id, card, timeout=timeout)
    except APIError as error:
        if error.code not in _GONE:
            raise
        return False
    return True


def _is_unclaimed() -> Q:
    return Q(card_claimed_until=None) | Q(card_claimed_until__lt=timezone.now())
