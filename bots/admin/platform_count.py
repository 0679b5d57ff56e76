"""What the platform counts of a bot's connections, in words."""

from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.models import Bot, PlatformCount
from core.console.badges import label
from core.console.rendering import ago, problem_block
from feishu.codes import explain


def counted(bot: Bot) -> str:
    """The latest check: the platform's number, ours, and what the difference means."""
    known = PlatformCount.objects.filter(bot=bot).first()
    if known is None or known.checked_at is None:
        return gettext("Not known yet: the platform is asked while the bot is connected.")
    if known.error_code is not None or known.error_reason:
        info = explain(known.error_code, known.error_reason)
        return format_html("{} {}", ago(known.checked_at), problem_block(info, said=known.error_message))
    if known.online is None:
        return gettext("The platform gives no number.")
    numbers = gettext("%(online)d at the platform, %(held)d here") % {
        "online": known.online,
        "held": known.held or 0,
    }
    return format_html("{} {} {}", numbers, _meaning(known), ago(known.checked_at))


def _meaning(known: PlatformCount) -> str:
    if known.foreign:
        return label(_("Foreign connection"), "danger")
    if known.renewals and known.fewer_counts:
        return label(_("The platform counts fewer, and new connections did not help"), "warning")
    if known.more_counts or known.fewer_counts:
        return label(_("Checking again"), "info")
    return ""
