"""The checklist of a bot on its page: how it is drawn, and what of it makes a difference to an open page."""

import hashlib
from typing import Final

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bots.admin.badges import icon
from bots.doctor.checklist import Checklist, Row, checklist
from bots.enums import CheckResult
from bots.models import Bot
from core.console.rendering import copyable

ICONS: Final = {
    CheckResult.OK: "check_circle",
    CheckResult.WARNING: "warning",
    CheckResult.WRONG: "error",
    CheckResult.UNKNOWN: "help",
    CheckResult.WAITING: "hourglass_empty",
}


def live_checklist(bot: Bot) -> SafeString:
    """The checklist; a page that has ``badges.js`` keeps it up to date."""
    found = checklist(bot)
    return format_html(
        '<section class="portal-checklist" id="checklist" data-testid="checklist" data-live-checklist="{}" data-digest="{}">'
        "{}</section>",
        bot.pk,
        digest(found),
        drawn(found),
    )


def drawn(found: Checklist) -> SafeString:
    """What the section holds."""
    context = {
        "checklist": found,
        "opened": [_drawn(row) for row in found.open_rows],
        "others": [_drawn(row) for row in found.other_rows],
        "done": icon(ICONS[CheckResult.OK]),
        "awaited": icon(ICONS[CheckResult.WAITING]),
    }
    return render_to_string("admin/bots/bot/checklist.html", context)


def _drawn(row: Row) -> dict[str, object]:
    finding = row.standing.finding
    return {
        "row": row,
        "finding": finding,
        "icon": icon(ICONS[finding.result]),
        "value": copyable(finding.value) if finding.value else "",
    }


def digest(found: Checklist) -> str:
    """Of everything that it shows and that does not change by itself."""
    facts = repr((found.checked_at, [_facts(row) for row in found.rows]))
    return hashlib.blake2s(facts.encode(), digest_size=8).hexdigest()


def _facts(row: Row) -> tuple[object, ...]:
    return row.standing.finding, row.link, row.note
