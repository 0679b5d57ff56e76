"""How heartbeats and losses look: figures with their unit, and a warning where they are worth one."""

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bots.models import ConnectionSlot
from core.console.badges import label
from core.console.rendering import EMPTY


def seconds(value: float) -> str:
    """One digit after the point."""
    return gettext("%(seconds)s s") % {"seconds": number_format(value, 1)}


def rhythm(slot: ConnectionSlot) -> str:
    """The heartbeats of a connection in a few words, for a list."""
    if slot.heartbeat_average is None:
        return warnings(slot) or EMPTY
    return format_html(
        '<span title="{}">{} ± {}</span> {}',
        gettext("average interval ± standard deviation"),
        seconds(slot.heartbeat_average),
        seconds(slot.heartbeat_deviation or 0.0),
        warnings(slot),
    )


def rhythm_in_full(slot: ConnectionSlot) -> str:
    """Count, average, deviation and the latest intervals, for a page about one connection."""
    if not slot.heartbeats:
        return EMPTY
    counted = ngettext("%(count)d heartbeat", "%(count)d heartbeats", slot.heartbeats) % {
        "count": slot.heartbeats
    }
    lines = [format_html("<div>{} {}</div>", counted, warnings(slot))]
    if slot.heartbeat_average is not None:
        figures = gettext("every %(average)s on average, standard deviation %(deviation)s") % {
            "average": seconds(slot.heartbeat_average),
            "deviation": seconds(slot.heartbeat_deviation or 0.0),
        }
        lines.append(format_html("<div>{}</div>", figures))
        latest = " · ".join(number_format(interval, 1) for interval in slot.heartbeat_intervals)
        lines.append(format_html('<div class="portal-subtle">{}</div>', latest))
    if slot.is_unsteady:
        advice = gettext(
            "Intervals that vary by more than 5 s often come before a loss: look at this host's network."
        )
        lines.append(format_html('<div class="portal-subtle">{}</div>', advice))
    return mark_safe("".join(lines))  # noqa: S308 -- each line is escaped above


def warnings(slot: ConnectionSlot) -> SafeString:
    """Labels for what is not as it should be."""
    labels = []
    if slot.is_overdue:
        labels.append(label(_("No heartbeat"), "danger"))
    if slot.is_unsteady:
        labels.append(label(_("Unsteady"), "warning"))
    return mark_safe(" ".join(labels))  # noqa: S308 -- labels are templates


def losses_link(slot: ConnectionSlot, count: int) -> str:
    """How many connections were lost within a day, leading to them."""
    if not count:
        return "0"
    query = urlencode({"bot__id__exact": str(slot.bot_id), "number": str(slot.number), "since": "24h"})
    address = f"{reverse('admin:bots_connectionloss_changelist')}?{query}"
    return format_html('<a href="{}">{}</a>', address, count)
