"""The facts about one connection, in words."""

from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.connections.status import SlotStatus
from bots.enums import LossReason
from bots.models import ConnectionSlot
from core.console.rendering import EMPTY, when

Fact = tuple[object, str | SafeString]


def facts(row: ConnectionSlot, slot: SlotStatus | None) -> list[Fact]:
    """Names and values, in the order in which they are read; ``slot`` is None for one that is not to be open."""
    found: list[Fact] = [
        (_("Process"), row.node or EMPTY),
        (_("State since"), when(slot.since if slot else row.since)),
        (_("Last received"), when(row.last_frame_at)),
        (_("Last event"), when(row.last_message_at)),
        (_("Heartbeat"), _heartbeat(row)),
    ]
    if slot is not None and slot.next_attempt_at:
        found.append((_("Next attempt"), when(slot.next_attempt_at)))
    if slot is not None:
        found.append((_("Lost in 24 hours"), _losses(slot)))
    return found


def _heartbeat(row: ConnectionSlot) -> str:
    if row.heartbeat_average is None:
        return when(row.last_heartbeat_at)
    rhythm = gettext("every %(average)s s ± %(deviation)s s") % {
        "average": f"{row.heartbeat_average:.0f}",
        "deviation": f"{row.heartbeat_deviation or 0:.1f}",
    }
    health = gettext("unsteady") if row.is_unsteady else gettext("steady")
    return f"{rhythm} · {health}"


def _losses(slot: SlotStatus) -> str:
    if not slot.losses:
        return gettext("never")
    ordered = sorted(slot.losses.items(), key=lambda item: (-item[1], item[0]))
    return " · ".join(f"{LossReason(reason).label} × {count}" for reason, count in ordered)
