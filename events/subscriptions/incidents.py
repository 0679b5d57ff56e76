"""Receivers that take no events are incidents of the subscription's owner."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.incidents.causes import Cause, Details
from bots.incidents.detectors import DetectedProblem, Detector, Subject, register
from events.enums import POSTED, SENDING, SubscriptionKind, SubscriptionState
from events.models import Subscription
from events.subscriptions.http.failures import in_chinese
from feishu.categories import Category
from feishu.codes import CodeInfo
from feishu.text import Text

GONE: Final = "gone"
"""The stored reason where the receiver said that it is gone."""
UNANSWERED: Final = "unanswered"
"""The stored reason where the receiver is asked to answer clicks."""


def _explain(details: Details) -> CodeInfo:
    if details.reason == GONE:
        return CodeInfo(
            None,
            Category.TERMINAL,
            Text(
                "接收方返回 410，已停止推送",
                "The receiver answered 410 (gone), and nothing is pushed to it any more",
            ),
            Text(
                "如果接收方仍然存在，请在订阅页面恢复推送；否则请删除该订阅",
                "If it is there after all, resume the subscription on its page; else remove it",
            ),
        )
    if details.reason == UNANSWERED:
        cure = Text(
            "请修复接收方。在此期间点击卡片的人会看到处理失败；系统会定期放行一次点击进行重试探测，成功后自动恢复",
            "Fix the receiver. Until then people who click are told that it failed; a click is let through now and then as a "
            "probe, and the first that is answered ends this",
        )
    else:
        cure = Text(
            "请修复接收方。事件已保留，接收方恢复响应后自动补发",
            "Fix the receiver. Events are kept and delivered once it responds",
        )
    return CodeInfo(
        None,
        Category.RETRY,
        Text(
            f"最近的推送全部失败。最后一次的错误：{in_chinese(details.message)}",
            f"All recent attempts failed. Last error: {details.message}",
        ),
        cure,
    )


DELIVERIES: Final = Cause(
    name="deliveries",
    label=_("Events not taken"),
    headline=_("The receiver of “%(subject)s” takes no events"),
    explain=_explain,
    page="admin:events_subscription_change",
    is_severe=False,
    fact="subscription",
)


def failing_receivers() -> Iterator[DetectedProblem]:
    """Subscriptions that have been paused for longer than settings.ALERT_SECONDS, or whose receiver said it is gone."""
    late = timezone.now() - timedelta(seconds=settings.ALERT_SECONDS)
    failing = Q(state=SubscriptionState.FAILING, state_since__lte=late)
    for row in _posted().filter(failing | Q(state=SubscriptionState.GONE)):
        reason = UNANSWERED if row.kind == SubscriptionKind.ANSWER else ""
        if row.state == SubscriptionState.GONE:
            reason = GONE
        yield DetectedProblem(
            Subject(row.pk, row.name, row.owner_id),
            DELIVERIES,
            row.state_since,
            Details(reason=reason, message=row.last_error),
        )


def _sending() -> Iterable[UUID]:
    return _posted().filter(state__in=SENDING).values_list("pk", flat=True)


def _posted() -> QuerySet[Subscription]:
    return Subscription.objects.filter(kind__in=POSTED, removed_at=None)


register(Detector(causes=(DELIVERIES,), find=failing_receivers, monitored=_sending))
