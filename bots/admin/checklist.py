"""The checklist of a bot on its page: how it is drawn, what of it makes a difference to an open page, and *check again*."""

from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bots.admin.badges import icon
from bots.doctor.checklist import Checklist, ChecklistRow, checklist
from bots.doctor.examination import examination
from bots.doctor.findings import Check
from bots.doctor.records import examine_again
from bots.enums import CheckResult
from bots.models import Bot
from core.console.actions import button
from core.console.base import ConsoleAdmin, operator_of
from core.console.live.digests import digest_of
from core.console.qr_code import qr_code
from core.console.rendering import copyable
from core.console.sentences import in_language
from core.vault.fields import encrypted_field

if TYPE_CHECKING:
    Base = ConsoleAdmin[Bot]
else:
    Base = object

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
        "put_off": [_drawn(row) for row in found.put_off_rows],
        "others": [_drawn(row) for row in found.other_rows],
        "done": icon(ICONS[CheckResult.OK]),
        "awaited": icon(ICONS[CheckResult.WAITING]),
    }
    return render_to_string("admin/bots/bot/checklist.html", context)


def _drawn(row: ChecklistRow) -> dict[str, object]:
    finding = row.state.finding
    return {
        "row": row,
        "finding": finding,
        "icon": icon(ICONS[finding.result]),
        "value": copyable(finding.value) if finding.value else "",
        "chat_code": _code_of(row.link) if row.link and row.is_chat and row.is_open else "",
    }


def _code_of(chat: str) -> SafeString:
    """The same link for who has Feishu on a phone alone."""
    return qr_code(chat, label=gettext("QR code that opens the chat with the bot"))


def digest(found: Checklist) -> str:
    """Of everything that it shows and that does not change by itself."""
    rows = [(row.state.finding, row.link, row.note) for row in found.rows]
    return digest_of((found.checked_at, rows))


class ChecklistButton(Base):
    """The part of the bots' admin that leads to the checklist and has it made again."""

    @button(_("Checklist"), icon="checklist", path="check-again", changes=False)
    def check_again(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Leads to the checklist; posted to, it has the bot examined first. The transport bounds the time that takes."""
        bot = self.visible_or_404(request, unquote(object_id))
        if request.method == "POST":
            if not self.has_change_permission(request, bot):
                raise PermissionDenied
            self._examine(request, bot)
        return HttpResponseRedirect(f"{self.page_after(request, bot)}#checklist")

    def _examine(self, request: HttpRequest, bot: Bot) -> None:
        if not examine_again(bot):
            words = _("It was checked a few seconds ago. Changes in the developer console take a moment.")
            self.message_user(request, words, messages.WARNING)
            return
        left = len(checklist(bot).open_rows)
        text = ngettext("%(count)d thing to set right.", "%(count)d things to set right.", left)
        said = text % {"count": left} if left else gettext("Everything is set up.")
        self.message_user(request, said, messages.WARNING if left else messages.SUCCESS)
        if operator_of(request).is_superuser and encrypted_field(Bot, "proxy_url").is_set(bot):
            self._tell_of_proxy(request, bot)

    def _tell_of_proxy(self, request: HttpRequest, bot: Bot) -> None:
        """How the bot's own proxy failed, which is kept for nobody: an owner may have typed any."""
        for finding in examination(bot, tells_proxy_errors=True):
            if finding.check is Check.CREDENTIALS:
                if finding.result is not CheckResult.OK:
                    self.message_user(request, in_language(finding.cause), messages.ERROR)
                return
