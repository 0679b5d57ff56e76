"""Events that cannot be read are incidents of their bot: they were acknowledged, so the platform does not push them again."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.incidents.causes import Cause, Details
from bots.incidents.detectors import DetectedProblem, Detector, register
from bots.models import Bot
from events.enums import EventStatus
from events.models import Event
from feishu.categories import Category
from feishu.codes import CodeInfo
from feishu.text import Text

LATELY: Final = timedelta(hours=1)
"""Without another unreadable event for so long, the incident is over."""
MOST_READ: Final = 500
"""Rows that one sweep looks at, the newest."""


def _explain(details: Details) -> CodeInfo:
    return CodeInfo(
        None,
        Category.TERMINAL,
        Text(
            f"收到的内容不是可读取的事件，已确认并原样保存：{details.message}",
            f"Something came that cannot be read as an event; it was acknowledged and kept as it came: {details.message}",
        ),
        Text(
            "在事件日志中筛选“无法解析”查看内容。请确认门户与平台之间没有改写请求的代理，并更新门户",
            "Look at it in the event log under “Quarantined”. Make sure that nothing between portal and platform rewrites what "
            "passes, and update the portal",
        ),
    )


UNREADABLE: Final = Cause(
    name="unreadable",
    label=_("Unreadable events"),
    headline=_("Events of %(subject)s cannot be read"),
    explain=_explain,
    is_severe=False,
)


def bots_with_unreadable_events() -> Iterator[DetectedProblem]:
    """Bots for which something was quarantined in the past hour."""
    newest = (
        Event.objects.filter(status=EventStatus.QUARANTINED)
        .order_by("-id")
        .values_list("bot_id", "received_at", "error")[:MOST_READ]
    )
    since = timezone.now() - LATELY
    details: dict[object, Details] = {}
    began: dict[object, datetime] = {}
    for bot_id, received_at, error in newest:
        if received_at >= since:
            details.setdefault(bot_id, Details(message=error))
            began[bot_id] = received_at
    if not began:
        return
    for bot in Bot.objects.enabled().filter(pk__in=list(began)):
        yield DetectedProblem(bot, UNREADABLE, began[bot.pk], details[bot.pk])


register(
    Detector(
        causes=(UNREADABLE,),
        find=bots_with_unreadable_events,
        monitored=lambda: Bot.objects.enabled().values_list("pk", flat=True),
    )
)
