"""Reading the slots that should be connected, and writing what their connections report."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, DateTimeField, ExpressionWrapper, Q, Value
from django.db.models.functions import Coalesce

from bots.enums import LossReason, SlotState
from bots.live_updates import slots_changed
from bots.models import Bot, ConnectionSlot
from core.database.clock import DatabaseTime
from core.database.compiled import Compiled
from core.vault.keyring import SealedValueError
from feishu.credentials import AppCredentials
from feishu.errors import ConnectError
from feishu.reasons import Reason


@dataclass(frozen=True, slots=True)
class WantedSlot:
    """A connection that should exist. When any of this changes, it has to be replaced."""

    slot_id: int
    bot_id: UUID
    app_id: str
    fingerprint: tuple[object, ...] = field(repr=False)
    """Everything that a connection depends on."""
    number: int = 1
    asked_at: datetime | None = None
    """When an operator or a system asked for another connection."""
    half_open_at: datetime | None = None
    """When the platform was found not to count the connection any more."""

    def reason_for(self, other: "WantedSlot") -> LossReason:
        """Why the connection ends that is to become ``other``."""
        if self.fingerprint != other.fingerprint:
            return LossReason.CHANGED
        return LossReason.HALF_OPEN if self.half_open_at != other.half_open_at else LossReason.ASKED


@dataclass(frozen=True, slots=True)
class SeenSlot:
    """A wanted slot and the processes that have it. ``holder`` and ``successor`` are None once their time has run out."""

    wanted: WantedSlot
    holder: UUID | None = None
    successor: UUID | None = None
    node: str = ""
    lapsed: bool = False
    """Its holder let the lease run out, and no process has claimed the slot since."""
    connected: bool = False

    @property
    def slot_id(self) -> int:
        return self.wanted.slot_id

    @property
    def owner(self) -> UUID | None:
        """The process that has it or is about to: it counts to this one's load."""
        return self.successor or self.holder


_SEEN = Compiled(
    lambda: ConnectionSlot.objects.filter(bot__in=Bot.objects.listening()).values_list(
        "id",
        "bot_id",
        "number",
        "node",
        "bot__reconnect_asked_at",
        "half_open_at",
        "holder",
        "successor",
        "state",
        ExpressionWrapper(Q(lease_until__gt=DatabaseTime()), BooleanField()),
        ExpressionWrapper(Q(successor_until__gt=DatabaseTime()), BooleanField()),
        "bot__app_id",
        "bot__platform",
        "bot__open_url",
        "bot__accounts_url",
        "bot__app_secret",
        "bot__proxy_url",
    )
)


def seen_slots() -> list[SeenSlot]:
    """Every connection that should exist now, of all bots. One query."""
    return [
        SeenSlot(
            wanted=WantedSlot(pk, bot_id, where[0], tuple(where), number, asked_at, half_open_at),
            holder=holder if held else None,
            successor=successor if moving else None,
            node=node,
            lapsed=holder is not None and not held,
            connected=state == SlotState.CONNECTED,
        )
        for pk, bot_id, number, node, asked_at, half_open_at, holder, successor, state, held, moving, *where in _SEEN.rows()
    ]


def credentials_of(bot_id: UUID) -> AppCredentials:
    """The bot's credentials as they are now; raises Bot.DoesNotExist, or ConnectError when they do not open."""
    try:
        return Bot.objects.get(pk=bot_id).credentials
    except SealedValueError as error:
        raise ConnectError("the secrets do not open", stage="credentials", reason=Reason.SEALED) from error


def write_reports(reports: dict[int, dict[str, Any]], *, holder: UUID) -> None:
    """Store what connections reported since the last time, by slot id; one statement per set of columns.

    Only of slots that ``holder`` still holds: of others its reports are out of date. An outage goes on when another process
    takes over: it keeps the moment at which it began.
    """
    by_columns: dict[tuple[str, ...], list[ConnectionSlot]] = {}
    for pk, values in reports.items():
        slot = ConnectionSlot(pk=pk, **values)
        if values.get("down_since") is not None:
            began_at = Value(values["down_since"], output_field=DateTimeField())
            slot.down_since = Coalesce("down_since", began_at)  # which bulk_update takes
        by_columns.setdefault(tuple(sorted(values)), []).append(slot)
    for columns, slots in by_columns.items():
        ConnectionSlot.objects.filter(holder=holder).bulk_update(slots, columns)
    # Frames and heartbeats come all the time: pages read those by themselves.
    if changed := [pk for pk, values in reports.items() if "state" in values]:
        slots_changed(changed)
