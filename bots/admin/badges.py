"""How a bot and its connections look: colour, icon and words, never colour alone."""

from functools import lru_cache
from typing import Final

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from bots.connections.status import BotStatus, ConnectionHealth, SlotStatus
from bots.enums import SlotState
from core.console.live.ages import age, countdown
from core.console.live.digests import digest_of
from core.console.rendering import actor, problem_block

ICONS: Final = {
    ConnectionHealth.ERROR: "error",
    ConnectionHealth.RECONNECTING: "sync_problem",
    ConnectionHealth.WARNING: "warning",
    ConnectionHealth.CONNECTING: "progress_activity",
    ConnectionHealth.CONNECTED: "check_circle",
    ConnectionHealth.WEBHOOK: "webhook",
    ConnectionHealth.DISCONNECTED: "do_not_disturb_on",
}
SLOT_ICONS: Final = {
    SlotState.STOPPED: "stop_circle",
    SlotState.CONNECTING: "progress_activity",
    SlotState.CONNECTED: "check_circle",
    SlotState.BACKOFF: "schedule",
    SlotState.ERROR: "error",
}


@lru_cache(maxsize=64)
def icon(name: str) -> SafeString:
    """A symbol beside words that say the same."""
    return format_html('<span class="material-symbols-outlined" aria-hidden="true">{}</span>', name)


def slot_icon(slot: SlotStatus) -> SafeString:
    """The symbol of a connection; one that is silent does not look well."""
    return icon("hearing_disabled" if slot.is_silent else SLOT_ICONS[slot.state])


def slot_words(slot: SlotStatus) -> str:
    """The state of a connection in a word or two."""
    return gettext("Silent") if slot.is_silent else str(slot.state.label)


def badge(status: BotStatus) -> SafeString:
    """The health of a bot's connections as a label."""
    return format_html(
        '<span class="board-badge" data-health="{}">{}{}</span>',
        status.health.value,
        icon(ICONS[status.health]),
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
    since, wanted_by, diagnosis = status.since, who(status), status.diagnosis()
    return format_html(
        "{}{}{}{}{}",
        badge(status),
        format_html(' <span class="board-age">{}</span>', age(since)) if since else "",
        next_attempt(status),
        format_html(' <span class="board-age">{}</span>', wanted_by) if wanted_by else "",
        problem_block(diagnosis.info) if diagnosis else "",
    )


def next_attempt(status: BotStatus) -> str:
    """When the first of the bot's connections is tried again, while none is open."""
    if status.next_attempt_at is None or status.connected_count:
        return ""
    words = escape(gettext("next attempt in %(time)s"))
    return format_html(
        ' <span class="board-age">{}</span>',
        mark_safe(words % {"time": countdown(status.next_attempt_at)}),  # noqa: S308 -- escaped above
    )


def digest(status: BotStatus) -> str:
    """Of everything that a live badge shows and that does not change by itself."""
    return digest_of(
        (
            status.diagnosis(),
            status.health,
            status.since,
            status.next_attempt_at,
            status.foreign,
            status.connected_count,
            len(status.slots),
            who(status),
        )
    )


def who(status: BotStatus) -> str:
    """Who disconnected a bot or switched it off; empty for one that is to receive events."""
    bot = status.bot
    if status.health is not ConnectionHealth.DISCONNECTED:
        return ""
    if not bot.asked_by:
        return gettext("Disconnected") if bot.enabled else gettext("Switched off")
    words = gettext("Disconnected by %(who)s") if bot.enabled else gettext("Switched off by %(who)s")
    return words % {"who": actor(bot.asked_by)}


def _words(status: BotStatus) -> str:
    if status.foreign and status.connected_count == len(status.slots):
        return gettext("Foreign connection")
    if len(status.slots) > 1 and status.connected_count:
        counts = {"connected": status.connected_count, "wanted": len(status.slots)}
        return gettext("%(connected)d of %(wanted)d connected") % counts
    return str(status.health.label)
