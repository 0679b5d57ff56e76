"""What the database knows of grants and authorizations, as metrics."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.utils import timezone

from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.models import AuthSession, UserToken
from core.database.counts import count_up_to
from core.metrics.facts import MOST, Figures, alone, by_label, database_gauge, read_together
from feishu.text import Text

SOON: Final = timedelta(days=7)

_tokens = database_gauge(
    "feishu_user_tokens",
    Text(f"用户令牌数，按状态，最多计至 {MOST}。", f"User tokens by status, counted up to {MOST}."),
    "status",
)
_uncertain = database_gauge(
    "feishu_token_uncertain",
    Text("刷新结果未知的令牌数。", "Tokens of whose last refresh the outcome is unknown."),
)
_ending = database_gauge(
    "feishu_user_tokens_ending",
    Text(
        "七天内须由用户重新授权的有效令牌数（平台自授权起 365 天后终止）。",
        "Active tokens that end within seven days unless the person authorizes again: 365 days after consent.",
    ),
)
_overdue = database_gauge(
    "feishu_token_refresh_overdue",
    Text("应当刷新而尚未刷新的令牌数。", "Tokens whose refresh is due and has not begun."),
)
_lag = database_gauge(
    "feishu_token_refresh_lag_seconds",
    Text(
        "最早的应当刷新而尚未刷新的令牌已逾期的时间；持续增长说明没有刷新进程。",
        "For how long the refresh that has been due longest waits; where it grows, no refresher works.",
    ),
)
_open = database_gauge(
    "feishu_auth_sessions_open",
    Text("等待用户答复的授权请求数。", "Authorization requests that wait for their person."),
)


def _read_tokens() -> Sequence[Figures]:
    grants = UserToken.objects
    counts = {status.value: count_up_to(grants.filter(status=status), MOST).count for status in TokenStatus}
    uncertain = count_up_to(grants.filter(phase=RefreshPhase.UNCERTAIN), MOST).count
    return by_label(counts), alone(uncertain), alone(count_up_to(grants.ending_within(SOON), MOST).count)


def _read_refreshes() -> Sequence[Figures]:
    due = UserToken.objects.due()
    first = due.order_by("next_refresh_at").values_list("next_refresh_at", flat=True).first()
    lag = 0.0 if first is None else max(0.0, (timezone.now() - first).total_seconds())
    return alone(count_up_to(due, MOST).count), alone(lag)


def _read_sessions() -> Sequence[Figures]:
    return (alone(count_up_to(AuthSession.objects.open(), MOST).count),)


read_together(_tokens, _uncertain, _ending, read=_read_tokens)
read_together(_overdue, _lag, read=_read_refreshes)
read_together(_open, read=_read_sessions)
