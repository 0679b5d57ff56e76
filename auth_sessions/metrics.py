"""Metrics of authorizations and grants: how requests end, refreshes, and what tokens are used for."""

from datetime import datetime
from typing import Final

from django.utils import timezone

from auth_sessions.enums import RefreshOutcome
from bots.metrics import name_bot
from bots.models import Bot
from core.metrics.labels import BoundedLabels
from core.metrics.registry import counter, gauge, histogram
from feishu.text import Text

MAX_REASONS: Final = 100

_reasons = BoundedLabels(MAX_REASONS)

_sessions = counter(
    "feishu_auth_sessions_total",
    Text("已结束的授权请求，按结果。", "Authorization requests that ended, by how."),
    "bot",
    "state",
)
_session_seconds = histogram(
    "feishu_auth_session_seconds",
    Text(
        "从发起授权请求至用户完成授权的时间。",
        "From an authorization request to the person's consent.",
    ),
    buckets=(5, 15, 30, 60, 120, 300, 600, 1_800, 7_200, 86_400),
)
_refreshes = counter(
    "feishu_token_refresh_total",
    Text("令牌刷新次数，按结果。", "Refreshes of tokens by outcome."),
    "outcome",
)
# Told from the start: of a series that begins with its first count Prometheus sees no increase.
for _outcome in RefreshOutcome:
    _refreshes.labels(_outcome.value)
_refresh_failures = counter(
    "feishu_token_refresh_failures_total",
    Text(
        "未成功的令牌刷新，按结果与原因（平台错误码、HTTP 状态或网络原因）。",
        "Refreshes that brought no token, by outcome and by reason: the platform's code, an HTTP status or a word.",
    ),
    "outcome",
    "reason",
)
_spooled = gauge(
    "feishu_refresh_spool_answers",
    Text(
        "刷新进程磁盘上尚未入库的刷新结果数。",
        "Answers to refreshes on the refresher's disk that the database has not taken yet.",
    ),
)
_served = counter(
    "feishu_tokens_served_total",
    Text("通过接口交付的用户令牌。", "User tokens handed out by the API."),
    "bot",
)


def count_session(bot: Bot, state: str) -> None:
    """An authorization request ended."""
    _sessions.labels(name_bot(bot.pk, bot.app_id), state).inc()


def count_consent(created_at: datetime) -> None:
    """A person authorized; the request was made then."""
    _session_seconds.observe(max(0.0, (timezone.now() - created_at).total_seconds()))


def count_refresh(
    outcome: str, *, succeeded: bool, code: int | None, reason: str, status: int | None
) -> None:
    """The outcome of a refresh was stored. ``status``: of HTTP, where the platform gave no code."""
    _refreshes.labels(outcome).inc()
    if not succeeded:
        said = str(code) if code is not None else reason or (f"http_{status}" if status else "unknown")
        _refresh_failures.labels(*_reasons.bounded(outcome, said)).inc()


def note_spooled(answers: int) -> None:
    """So many answers were left on disk when a pass of the refresher began."""
    _spooled.set(answers)


def count_token_served(bot: Bot) -> None:
    _served.labels(name_bot(bot.pk, bot.app_id)).inc()
