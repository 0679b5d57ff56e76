"""Metrics of approvals: how they end."""

from typing import Final

from bots.metrics import name_bot
from bots.models import Bot
from core.metrics.registry import counter
from feishu.text import Text

COVERED: Final = "covered"

_approvals = counter(
    "feishu_approvals_total",
    Text(
        "已结束的调用批准请求，按结果；covered 为批准一小时后不再询问而直接执行的调用。",
        "Approvals of calls that ended, by how; covered: calls that went on without a question, within an approved hour.",
    ),
    "bot",
    "outcome",
)


def count_approval(bot: Bot, outcome: str) -> None:
    """An approval ended, or covered a call."""
    _approvals.labels(name_bot(bot.pk, bot.app_id), outcome).inc()
