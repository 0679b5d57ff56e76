"""Metrics of the proxy's calls."""

from auth_sessions.models import TokenUse
from bots.metrics import count_call
from core.metrics.labels import BoundedLabels
from core.metrics.registry import counter
from feishu.observation import PlatformCall, api_group
from feishu.text import Text

MAX_BOTS = 1_000

_bots = BoundedLabels(MAX_BOTS)
_proxied = counter(
    "feishu_proxied_calls_total",
    Text(
        "代理转发的调用，按身份（app 或 user）与答复状态（2xx 等；none 为平台未答复）。",
        "Calls that the proxy relayed, by identity (app or user) and class of the answer's status; none without an answer.",
    ),
    "bot",
    "identity",
    "status",
)


def count_proxied(
    use: TokenUse,
    *,
    app_id: str,
    path: str,
    was_sent: bool,
    is_rate_limited: bool = False,
    limit: int | None = None,
) -> None:
    """A call ended as ``use`` says. ``was_sent``: False where the portal itself held it back. ``limit``: what the platform
    allows in a window, where it refused the call for that."""
    (bot,) = _bots.bounded(app_id)
    status = "none" if use.status is None else f"{use.status // 100}xx"
    _proxied.labels(bot, "user" if use.open_id else "app", status).inc()
    if was_sent:
        code = 0 if use.code is None and use.status is not None and use.status < 300 else use.code
        count_call(
            PlatformCall(
                app_id,
                api_group(path),
                use.seconds or 0.0,
                code=code,
                http_status=use.status,
                reason=use.reason,
                is_rate_limited=is_rate_limited,
                limit=limit,
            )
        )
