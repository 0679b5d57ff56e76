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
from bots.incidents.detectors import Detector, Problem, Subject, register
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
                "接收方表示地址已失效，因此不再向其推送",
                "The receiver said that it is gone, so nothing is sent to it any more",
            ),
            Text(
                "如果接收方仍然存在，请在订阅页面恢复推送；否则请删除该订阅",
                "If it is there after all, resume the subscription on its page; else remove it",
            ),
        )
    if details.reason == UNANSWERED:
        cure = Text(
            "请修复接收方。在此期间点击卡片的人会看到处理失败；系统会不时放行一次点击进行试探，成功后自动恢复",
            "Repair the receiver. Meanwhile whoever clicks is told that it failed; now and then a click is let through, and the "
            "first that is answered ends this",
        )
    else:
        cure = Text(
            "请修复接收方。事件已保留，系统会不时重试，恢复后自动补发",
            "Repair the receiver. Its events are kept; it is retried now and then, and gets them when it takes one again",
        )
    return CodeInfo(
        None,
        Category.RETRY,
        Text(
            f"最近的推送全部失败，最后一次的结果：{in_chinese(details.message)}",
            f"All attempts of late have failed, the last one with: {details.message}",
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


def failing_receivers() -> Iterator[Problem]:
    """Subscriptions that have been paused for longer than settings.ALERT_SECONDS, or whose receiver said it is gone."""
    late = timezone.now() - timedelta(seconds=settings.ALERT_SECONDS)
    failing = Q(state=SubscriptionState.FAILING, state_since__lte=late)
    for row in _posted().filter(failing | Q(state=SubscriptionState.GONE)):
        reason = UNANSWERED if row.kind == SubscriptionKind.ANSWER else ""
        if row.state == SubscriptionState.GONE:
            reason = GONE
        yield Problem(
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
