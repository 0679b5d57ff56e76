"""Long connections: state, losses, frames and heartbeats."""

from typing import Final

from deploy.grafana.panels import BOT, Dashboard, graph, known
from feishu.text import Text

UNCONNECTED: Final = f'state!="connected", {BOT}'

DASHBOARD: Final = Dashboard(
    "connections",
    Text("飞书门户 / 连接", "Feishu Portal / Connections"),
    (
        (
            graph(
                "机器人连接状况", "Bots by how they are connected",
                Text("error 需人工处理；reconnecting 会自行恢复。", "error needs a person; reconnecting cures itself."),
                "short", {"{{health}}": known("feishu_bots", "health")}, is_stacked=True,
            ),
            graph(
                "已建立的长连接", "Established connections",
                Text("心跳正常到达的长连接数；0 表示该机器人收不到事件。", "Long connections on which heartbeats arrive; at 0 the bot receives no events."),
                "short", {"{{bot}}": known("feishu_connections", "bot", matchers=f'state="connected", {BOT}')},
            ),
            graph(
                "未建立的长连接", "Connections that do not",
                Text("等待重连、连接中或出错的长连接。", "Connections that wait, are being made or are refused."),
                "short",
                {"{{bot}} {{state}}": f"{known('feishu_connections', 'bot', 'state', matchers=UNCONNECTED)} > 0 or vector(0)"},
                limits=(1, None),
            ),
        ),
        (
            graph(
                "最近一次收到数据距今", "Since the last frame",
                Text("含心跳。超过心跳间隔的两倍即视为中断，连接会被重建。", "Heartbeats included. Beyond two intervals of them a connection is replaced."),
                "s", {"{{bot}}": known("feishu_connection_last_frame_age_seconds", "bot", matchers=BOT)},
                limits=(130, 250),
            ),
            graph(
                "心跳间隔", "Heartbeat interval",
                Text("由平台决定；不稳定说明网络质量差。", "The platform sets it; where it varies, the network is poor."),
                "s", {"{{bot}}": known("feishu_heartbeat_interval_seconds", "bot", matchers=BOT)},
            ),
            graph(
                "监听进程", "Listener processes",
                Text("在数据库中登记的与应答抓取的 runfeishu 进程；后者更多说明有进程停止响应。", "Those that announce themselves, and those that answer: more answering ones means that one hangs."),
                "short",
                {
                    "announced": "max(feishu_listener_processes)",
                    "answering": 'count(feishu_build_info{process=~"runfeishu|runportal"})',
                },
            ),
        ),
        (
            graph(
                "断开", "Losses",
                Text("意外断开，每 5 分钟，按原因。", "Unplanned losses in 5 minutes, by reason."),
                "short", {"{{reason}}": f"sum by (reason) (increase(feishu_connection_reconnects_total{{{BOT}}}[5m]))"},
            ),
            graph(
                "失败的连接尝试", "Failed attempts to connect",
                Text("每 5 分钟，按原因；refused 通常是凭证或应用设置。", "In 5 minutes, by reason; refused is mostly credentials or the app's settings."),
                "short", {"{{reason}}": f"sum by (reason) (increase(feishu_connection_failures_total{{{BOT}}}[5m]))"},
            ),
            graph(
                "接管", "Takeovers",
                Text("lapsed 说明持有连接的进程已消失或停止响应。", "lapsed: the process that held the connection was gone or hung."),
                "short", {"{{reason}}": "sum by (reason) (increase(feishu_lease_takeovers_total[5m]))"},
            ),
        ),
        (
            graph(
                "被拒绝的 Webhook 请求", "Webhook requests refused",
                Text("每 5 分钟，按原因；bot 为 other 的多为陌生请求。", "In 5 minutes, by reason; those of other are mostly strangers'."),
                "short", {"{{bot}} {{reason}}": "sum by (bot, reason) (increase(feishu_webhook_refused_total[5m]))"},
                width=24,
            ),
        ),
    ),
)  # fmt: skip
