"""Metrics of bots: their connections, what the platform answers to their calls, and how all metrics name a bot."""

import threading
from typing import Final
from uuid import UUID

from core.metrics.labels import OTHER, BoundedLabels
from core.metrics.registry import counter, gauge, histogram
from feishu import observation
from feishu.observation import PlatformCall
from feishu.text import Text

MAX_BOTS: Final = 1_000
"""Bots that have series of their own; those beyond share one."""

MAX_CALLS: Final = 5_000
"""Series of bot, API and code together."""
MAX_APIS: Final = 200

_reconnects = counter(
    "feishu_connection_reconnects_total",
    Text("意外断开并重连的次数，按原因。", "Connections that were lost and are made again, by cause."),
    "bot",
    "reason",
)
_failures = counter(
    "feishu_connection_failures_total",
    Text("未成功的连接尝试，按原因。", "Attempts to connect that failed, by cause."),
    "bot",
    "reason",
)
_takeovers = counter(
    "feishu_lease_takeovers_total",
    Text(
        "本进程接管的连接：free 为无人持有，lapsed 为原进程已消失，moved 为计划内迁移。",
        "Connections that this process took: free ones, lapsed ones of a process that is gone, and moved ones, as planned.",
    ),
    "reason",
)
_calls = counter(
    "feishu_openapi_requests_total",
    Text(
        "对平台的调用，含代理转发；code 为平台错误码，0 为成功，平台未答复时为原因。",
        "Calls to the platform, the proxy's included; code is the platform's, 0 for a success, or why it gave none.",
    ),
    "bot",
    "api",
    "code",
)
_call_seconds = histogram(
    "feishu_openapi_seconds",
    Text("平台答复的时间。", "How long the platform took to answer."),
    "api",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0),
)
_limited = counter(
    "feishu_openapi_rate_limited_total",
    Text(
        "因频率限制（429 或 99991400 等）被平台拒绝的调用。",
        "Calls that the platform refused for a rate limit: 429, 99991400 and their like.",
    ),
    "bot",
    "api",
)
_limit = gauge(
    "feishu_openapi_rate_limit",
    Text(
        "平台在拒绝时告知的窗口调用上限（x-ogw-ratelimit-limit）。",
        "Calls that a window allows, as the platform says where it refuses one (x-ogw-ratelimit-limit).",
    ),
    "bot",
    "api",
)

_streams = counter(
    "feishu_streamed_replies_total",
    Text(
        "流式回复，按结果；swept 为进程中断后由后台任务关闭，taken_over 为被另一次尝试接管。",
        "Replies that were typed into cards, by how they ended; swept ones were left open by a process that is gone and closed in "
        "the background, those taken over are written by another attempt.",
    ),
    "outcome",
)

# Told from the start: of a series that begins with its first count Prometheus sees no increase.
for _reason in ("free", "lapsed", "moved"):
    _takeovers.labels(_reason)

for _outcome in ("complete", "interrupted", "too_long", "failed", "swept", "taken_over"):
    _streams.labels(_outcome)

_apis = BoundedLabels(MAX_APIS)
_series = BoundedLabels(MAX_CALLS)
_names: dict[UUID, str] = {}
_lock = threading.Lock()


def name_bot(bot_id: UUID, app_id: str) -> str:
    """Let the metrics of a process call a bot by its App ID; the value of the label ``bot``."""
    name = _names.get(bot_id)
    if name == app_id:
        return name
    with _lock:
        if name is None and len(_names) >= MAX_BOTS:
            return OTHER
        _names[bot_id] = app_id
    return app_id


def bot_label(bot_id: UUID) -> str:
    """The value of the label ``bot``, for a bot that has been named in this process."""
    return _names.get(bot_id, OTHER)


def count_reconnect(bot: str, reason: str) -> None:
    """A connection was lost, and is made again. ``bot``: its label."""
    _reconnects.labels(bot, reason).inc()


def count_connection_failure(bot: str, reason: str) -> None:
    _failures.labels(bot, reason).inc()


def count_takeover(reason: str) -> None:
    """``reason``: free, lapsed or moved."""
    _takeovers.labels(reason).inc()


def count_stream(outcome: str) -> None:
    """A streamed reply ended, or its writing did."""
    _streams.labels(outcome).inc()


def count_call(call: PlatformCall) -> None:
    """A call to the platform ended."""
    (api,) = _apis.bounded(call.api)
    bot, bounded_api, code = _series.bounded(call.app_id, api, call.outcome)
    _calls.labels(bot, bounded_api, code).inc()
    _call_seconds.labels(api).observe(call.seconds)
    if call.is_rate_limited:
        _limited.labels(bot, bounded_api).inc()
        if call.limit is not None:
            _limit.labels(bot, bounded_api).set(call.limit)


observation.listen(count_call)
