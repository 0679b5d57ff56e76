"""Announcing changes to the pages that show bots and their connections, when they are committed."""

from collections.abc import Iterable
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from core.console.live import ANYTHING, changed

BOTS: Final = "bots"
"""Keys: bots' ids."""
SLOTS: Final = "slots"
"""Keys: ids of connection slots."""
PROCESSES: Final = "processes"
"""Which ``runfeishu`` processes there are."""


def bots_changed(ids: Iterable[UUID]) -> None:
    """On commit."""
    transaction.on_commit(partial(changed, BOTS, list(ids)))


def slots_changed(ids: Iterable[int] | None = ANYTHING) -> None:
    """On commit."""
    transaction.on_commit(partial(changed, SLOTS, ANYTHING if ids is None else list(ids)))


def processes_changed() -> None:
    """On commit."""
    transaction.on_commit(partial(changed, PROCESSES))
