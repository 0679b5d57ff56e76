"""What the templates of the board need drawn; the tags of ``live`` lead here."""

from functools import lru_cache

from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from bots.admin.badges import ICONS, badge, icon, slot_icon, slot_words, who
from bots.connections.status import ConnectionHealth, SlotStatus
from bots.enums import SlotState
from bots.models import Bot, ConnectionSlot
from core.console.addresses import PLACE
from core.console.live.ages import UNITS, age, countdown
from core.console.rendering import problem_block
from core.console.sentences import in_language

__all__ = [
    "actions",
    "age",
    "badge",
    "countdown",
    "health_icon",
    "in_language",
    "live_status",
    "live_words",
    "problem",
    "slot_icon",
    "slot_note",
    "slot_words",
    "who",
]


def actions(bot: Bot) -> SafeString:
    """The links of a bot's menu. A board has fifty menus, and most of them are the same."""
    kind = (bot.enabled, bot.uses_connection, bot.connect, bot.transport)
    drawn = _actions(*kind, get_language() or "", get_script_prefix())
    return SafeString(drawn.replace(PLACE, str(bot.pk)))


@lru_cache(maxsize=64)
def _actions(enabled: bool, uses_connection: bool, connect: bool, transport: str, *_of_request: str) -> str:  # noqa: FBT001 -- names of one call
    bot = {
        "pk": PLACE,
        "enabled": enabled,
        "uses_connection": uses_connection,
        "connect": connect,
        "transport": transport,
    }
    return render_to_string("admin/connections/actions.html", {"bot": bot})


def problem(row: ConnectionSlot) -> str:
    """What is wrong with a connection, with cause and cure."""
    return problem_block(row.problem, said=row.error_message)


def health_icon(value: str) -> SafeString:
    """The symbol of a bot's health."""
    return icon(ICONS[ConnectionHealth(value)])


def slot_note(slot: SlotStatus) -> str:
    """The word beside a connection's state, if there is something to add."""
    if slot.row.state == SlotState.CONNECTED and not slot.is_held:
        return gettext("its process is gone")
    return gettext("unsteady heartbeat") if slot.row.is_unsteady else ""


def live_words() -> SafeString:
    """The words in which the browser writes ages, as attributes of the page's root."""
    return format_html_join(
        " ",
        'data-age-{}="{}"',
        ((name, str(words).replace("%(count)s", "{}")) for name, _length, words in UNITS),
    )


def live_status() -> SafeString:
    """Whether the page is up to date, and by which way; filled by its script."""
    words = {
        "live": (gettext("Live"), gettext("Changes appear at once.")),
        "polling": (
            gettext("Every few seconds"),
            gettext("No live connection can be had: the page asks every few seconds."),
        ),
        "offline": (
            gettext("Connection to the portal lost"),
            gettext("The portal does not answer. What is shown may be out of date."),
        ),
        "ended": (gettext("Signed out"), gettext("Sign in again to go on.")),
    }
    attributes = format_html_join(
        " ", 'data-{0}="{1}" data-{0}-title="{2}"', ((name, *pair) for name, pair in words.items())
    )
    return format_html(
        '<span class="board-link" id="live-status" role="status" data-testid="live-status" {} hidden></span>',
        attributes,
    )
