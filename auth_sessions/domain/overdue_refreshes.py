"""Refreshes that are due and that nobody begins, as one incident of the installation.

That a refresher is running says the fleet; this is found by what it leaves undone. A refresher that cannot keep an answer sends
nothing, and makes its passes all the same: its disk is full, or its folder belongs to somebody else.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from auth_sessions.domain.lost_grants import INSTALLATION
from auth_sessions.models import RefreshAttempt, UserToken
from bots.enums import ProcessRole
from bots.incidents.causes import Cause
from bots.incidents.detectors import DetectedProblem, Detector, register
from bots.incidents.fleet import CAUSES
from bots.models import Bot, Incident
from feishu.categories import Category
from feishu.codes import CodeInfo
from feishu.text import Text

PATIENCE: Final = timedelta(minutes=10)

_NOTHING_SENT: Final = CodeInfo(
    None,
    Category.CONFIGURATION,
    Text(
        "有用户令牌应刷新而未刷新已超过十分钟，其间未发出任何刷新，而 refresher 进程仍在运行",
        "Tokens have been due to be refreshed for more than ten minutes, and no refresh was sent meanwhile, though a refresher runs",
    ),
    Text(
        "请查看 refresher 进程的日志：refresh_spool_unusable 表示 DATA_DIR 所在磁盘已满或不可写，请腾出空间或将其归还给运行用户。"
        "访问令牌约两小时后失效；刷新令牌过期后，用户须重新授权",
        "Look at the refresher's log. refresh_spool_unusable means that the disk of DATA_DIR is full, or that it cannot be written: "
        "make room, or give it back to its user. Access tokens end within two hours or so, and people have to authorize again once "
        "their refresh tokens have",
    ),
)
OVERDUE: Final = Cause(
    name="refreshes_overdue",
    label=_("Refreshes overdue"),
    headline=_("Tokens are not refreshed though a refresher runs"),
    explain=lambda _details: _NOTHING_SENT,
    page="admin:bots_fleetprocess_changelist",
)


def overdue_refreshes() -> Iterator[DetectedProblem]:
    """The refresh that has been due longest, of a bot of which none was sent for as long as is waited here. A backlog that is
    worked off is none, nor is an app that the platform refuses, which is an incident of its own."""
    limit = timezone.now() - PATIENCE
    sent = RefreshAttempt.objects.filter(claimed_at__gte=limit, sent_at__isnull=False)
    overdue = (
        UserToken.objects.due(at=limit)
        .filter(bot__in=Bot.objects.enabled())
        .exclude(bot__refresh_gate__paused_at__isnull=False)
        .exclude(bot__in=sent.values("token__bot"))
    )
    since = overdue.order_by("next_refresh_at").values_list("next_refresh_at", flat=True).first()
    if since is not None and not _is_known_otherwise():
        yield DetectedProblem(INSTALLATION, OVERDUE, since)


def _is_known_otherwise() -> bool:
    """Whether the incident that no refresher runs says it, and this one has not been opened before."""
    known = set(Incident.objects.open().filter(bot=None).values_list("cause", flat=True))
    return CAUSES[ProcessRole.REFRESH].name in known and OVERDUE.name not in known


def _monitored() -> list[UUID]:
    return [INSTALLATION.pk] if Bot.objects.enabled().exists() else []


register(Detector(causes=(OVERDUE,), find=overdue_refreshes, monitored=_monitored))
