"""How a bot and its connections look: colour, icon and words, never colour alone."""

import hashlib
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from bots.connections.status import BotStatus, SlotStatus, Verdict
from bots.enums import SlotState
from core.console.columns import actor, trouble
from core.console.live.ages import age

ICONS: Final = {
    Verdict.TROUBLE: "error",
    Verdict.CONNECTING: "progress_activity",
    Verdict.CONNECTED: "check_circle",
    Verdict.WEBHOOK: "webhook",
    Verdict.UNWANTED: "do_not_disturb_on",
}
SLOT_ICONS: Final = {
    SlotState.STOPPED: "stop_circle",
    SlotState.CONNECTING: "progress_activity",
    SlotState.CONNECTED: "check_circle",
    SlotState.BACKOFF: "schedule",
    SlotState.ERROR: "error",
}


def icon(name: str) -> SafeString:
    """A symbol beside words that say the same."""
    return format_html('<span class="material-symbols-outlined" aria-hidden="true">{}</span>', name)


def slot_icon(slot: SlotStatus) -> SafeString:
    """The symbol of a connection; one that only counts as connected does not look well."""
    quiet = slot.row.state == SlotState.CONNECTED and slot.verdict is Verdict.TROUBLE
    return icon("hearing_disabled" if quiet else SLOT_ICONS[SlotState(slot.row.state)])


def slot_words(slot: SlotStatus) -> str:
    """The state of a connection in a word or two."""
    return gettext("Quiet") if slot.is_quiet else str(SlotState(slot.row.state).label)


def badge(status: BotStatus) -> SafeString:
    """The verdict about a bot as a label."""
    return format_html(
        '<span class="board-badge" data-verdict="{}">{}{}</span>',
        status.verdict.value,
        icon(ICONS[status.verdict]),
        _words(status),
    )


def live_badge(status: BotStatus) -> SafeString:
    """The label, since when it is so and who wanted it; a page that has ``badges.js`` keeps it up to date."""
    return format_html(
        '<span class="board-live" data-live-bot="{}" data-digest="{}">{}</span>',
        status.bot.pk,
        digest(status),
        badge_since(status),
    )


def badge_since(status: BotStatus) -> SafeString:
    """What a live badge holds."""
    since = format_html(' <span class="board-age">{}</span>', age(status.since)) if status.since else ""
    wanted_by = format_html(' <span class="board-age">{}</span>', who(status)) if who(status) else ""
    problem = status.problem
    return format_html(
        "{}{}{}{}", badge(status), since, wanted_by, trouble(problem) if problem is not None else ""
    )


def digest(status: BotStatus) -> str:
    """Of everything that a live badge shows and that does not change by itself."""
    facts = repr(
        (
            status.problem,
            status.verdict,
            status.since,
            status.foreign,
            status.connected,
            len(status.slots),
            who(status),
        )
    )
    return hashlib.blake2s(facts.encode(), digest_size=8).hexdigest()


def who(status: BotStatus) -> str:
    """Who wanted a bot to hear nothing; empty for one that is to hear."""
    bot = status.bot
    if status.verdict is not Verdict.UNWANTED:
        return ""
    if not bot.asked_by:
        return gettext("Disconnected") if bot.enabled else gettext("Switched off")
    words = gettext("Disconnected by %(who)s") if bot.enabled else gettext("Switched off by %(who)s")
    return words % {"who": actor(bot.asked_by)}


def _words(status: BotStatus) -> str:
    if status.foreign:
        return gettext("Foreign connection")
    if status.verdict is Verdict.TROUBLE and not status.is_hearing:
        return gettext("Not hearing")
    if len(status.slots) > 1 and status.verdict is not Verdict.CONNECTING:
        counts = {"connected": status.connected, "wanted": len(status.slots)}
        return gettext("%(connected)d of %(wanted)d connected") % counts
    return str(status.verdict.label)
