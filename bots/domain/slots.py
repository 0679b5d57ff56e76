"""What the fleet reads and writes of connection slots."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from bots.enums import SlotState
from bots.models import Bot, ConnectionSlot
from feishu.credentials import AppCredentials


@dataclass(frozen=True, slots=True)
class WantedSlot:
    """A connection that should exist; ``fingerprint`` changes when it has to be made anew."""

    slot_id: int
    bot_id: UUID
    app_id: str
    fingerprint: tuple[str, ...] = field(repr=False)


def wanted_slots(*, only: frozenset[str] = frozenset()) -> list[WantedSlot]:
    """Every connection that should exist now, of all bots or of those with the App IDs ``only``. One query."""
    bots = Bot.objects.listening()
    if only:
        bots = bots.filter(app_id__in=only)
    rows = ConnectionSlot.objects.filter(bot__in=bots).values_list(
        "id",
        "bot_id",
        "bot__app_id",
        "bot__platform",
        "bot__open_url",
        "bot__accounts_url",
        "bot__app_secret",
    )
    return [WantedSlot(pk, bot_id, app_id, (app_id, *where)) for pk, bot_id, app_id, *where in rows]


def credentials_of(bot_id: UUID) -> AppCredentials:
    """The bot's credentials as they are now; raises Bot.DoesNotExist."""
    return Bot.objects.get(pk=bot_id).credentials


def write_reports(reports: dict[int, dict[str, Any]]) -> None:
    """Store what connections reported since the last time, by slot id; one statement per set of columns."""
    by_columns: dict[tuple[str, ...], list[ConnectionSlot]] = {}
    for pk, values in reports.items():
        by_columns.setdefault(tuple(sorted(values)), []).append(ConnectionSlot(pk=pk, **values))
    for columns, slots in by_columns.items():
        ConnectionSlot.objects.bulk_update(slots, columns)


def release_slots(*, node: str) -> None:
    """Mark what this process held as stopped, e.g. what its predecessor of the same name left behind."""
    ConnectionSlot.objects.filter(node=node).exclude(state=SlotState.STOPPED).update(
        state=SlotState.STOPPED, connected_at=None
    )
