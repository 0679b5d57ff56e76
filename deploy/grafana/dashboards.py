"""The dashboards of Grafana, and what writes them: ``python -m deploy.grafana.dashboards``.

One folder for each language, since titles in two languages at once are long and read by nobody. The JSON is written, and never
edited.
"""

import json
from pathlib import Path
from typing import Final

from deploy.grafana.panels import LANGUAGES, Dashboard, graph, known, number, quantile, rate, total
from feishu.text import Text

HERE: Final = Path(__file__).resolve().parent
BOT: Final = 'bot=~"$bot"'
JOBS: Final = 'job=~"feishu-.+"'
UNCONNECTED: Final = f'state!="connected", {BOT}'
NO_SUCCESS: Final = f'code!="0", {BOT}'

OVERVIEW: Final = Dashboard(
    "overview",
    Text("飞书门户 / 概览", "Feishu Portal / Overview"),
    (
        (
            number(
                "已连接的机器人", "Bots connected",
                Text("至少有一条长连接能收到心跳的机器人。", "Bots of which at least one long connection gets heartbeats."),
                total("feishu_bots", "health", 'health=~"connected|warning"'),
            ),
            number(
                "未连接的机器人", "Bots without connection",
                Text("收不到事件；看板「连接」显示是哪些。", "They hear nothing; the dashboard Connections says which."),
                total("feishu_bots", "health", 'health=~"error|reconnecting"'),
                limits=(1, 1),
            ),
            number(
                "正在触发的告警", "Alerts firing",
                Text("Alertmanager 中有各条告警的处理手册链接。", "Alertmanager has them, with a link to each one's runbook."),
                'count(ALERTS{alertname=~"Feishu.+", alertstate="firing"}) or vector(0)',
                limits=(1, 3),
            ),
            number(
                "最久的等待", "Longest wait",
                Text("事件、处理或推送中等待最久者。", "Of the events, handler runs and pushes that wait, the oldest."),
                "max(feishu:waiting:age_seconds)", "s",
                limits=(60, 120),
            ),
            number(
                "死信", "Dead letters",
                Text("判定失败、等待人工处理；见控制台「死信」。", "Failed for good, and wait for a person: the console's page Dead letters."),
                "sum(feishu:dead_letters:max)",
                limits=(1, 100),
            ),
            number(
                "被动模式", "Passive",
                Text("0 为正常工作；1 为被动：不连接、不刷新、不发送。", "0 for an active portal; 1 for one that connects, refreshes and sends nothing."),
                "max(feishu_passive)",
                limits=(1, None),
            ),
        ),
        (
            graph(
                "收到的事件", "Events received",
                Text("每秒事件与回调数，按传输方式，含重复推送。", "Events and callbacks a second by transport, repeated ones included."),
                "reqps", {"{{transport}}": rate("feishu_events_received_total", "transport")},
            ),
            graph(
                "应答耗时", "Time to acknowledgement",
                Text("从到达到入库并应答。平台最多等待 3 秒。", "From arrival to commit and answer. The platform waits for 3 s."),
                "s",
                {
                    "p50 {{transport}}": quantile(0.5, "feishu_event_ack_seconds", "transport"),
                    "p99 {{transport}}": quantile(0.99, "feishu_event_ack_seconds", "transport"),
                },
                limits=(1, 3),
            ),
            graph(
                "未结束的事故", "Open incidents",
                Text("门户自身发现的问题，按原因；控制台「告警」有详情。", "What the portal has found itself, by cause: the console's page Incidents."),
                "short", {"{{cause}}": f"{known('feishu_incidents_open', 'cause')} > 0 or vector(0)"},
                limits=(1, None),
            ),
        ),
        (
            graph(
                "进程数", "Processes",
                Text("应答抓取的进程，按类型。缺少任一类型，对应工作便会停止。", "Processes that answer, by kind. Where a kind is missing, its work stands still."),
                "short", {"{{process}}": "count by (process) (feishu_build_info)"},
            ),
            graph(
                "调度与定时任务距今", "Since the last beat and pass",
                Text(
                    "beat 每 5 秒发出任务；schedule 持续增长说明调度停止，单个任务增长说明无人执行它。",
                    "Beat sends every 5 s. Where schedule grows nobody schedules; where one task grows nobody does it.",
                ),
                "s",
                {"schedule": "feishu:beat:age_seconds", "{{task}}": 'feishu:task_pass:age_seconds{task!~".+prune"}'},
                limits=(30, 60),
            ),
            graph(
                "版本", "Versions",
                Text("各版本的进程数；升级完成后应只有一个版本。", "Processes of each version; after an upgrade there is one."),
                "short", {"{{version}}": "count by (version) (feishu_build_info)"},
                is_stacked=True,
            ),
        ),
        (
            graph(
                "进程状态", "State of processes",
                Text(
                    "stalled：有部分停滞，须重新启动；silent：心跳中断；stopped：已正常停止。",
                    "stalled: a part stands still, start it anew; silent: no heartbeat comes; stopped: ended as it should be.",
                ),
                "short", {"{{kind}} {{state}}": known("feishu_processes", "kind", "state")},
                is_stacked=True,
            ),
            graph(
                "最近心跳距今", "Since the last heartbeat",
                Text("按进程类型，取最近的一次。", "Of any process of the kind."),
                "s", {"{{kind}}": known("feishu_process_last_heartbeat_age_seconds", "kind")},
                limits=(45, 120),
            ),
            graph(
                "无人承担的工作", "What nobody does",
                Text("1 表示需要而没有进程承担。", "1 where it is needed and no process does it."),
                "short", {"{{role}}": known("feishu_roles_unfilled", "role")},
                limits=(1, None),
            ),
        ),
        (
            graph(
                "内存", "Memory",
                Text("各进程的常驻内存；prefork worker 只含父进程。", "Resident memory of each process; of a prefork worker the parent's."),
                "bytes", {"{{job}} {{instance}}": f"process_resident_memory_bytes{{{JOBS}}}"},
            ),
            graph(
                "处理器", "Processor",
                Text("各进程占用的核数。", "Cores that each process takes."),
                "percentunit", {"{{job}} {{instance}}": f"rate(process_cpu_seconds_total{{{JOBS}}}[$__rate_interval])"},
            ),
            graph(
                "数据库指标", "Figures of the database",
                Text(
                    "最近一次读全的时间距今，以及读取失败的次数；持续增长时，依赖它们的面板与告警没有数据。",
                    "Since all were last read, and how often one could not be. Where that grows, panels and alerts that need them are blind.",
                ),
                "s",
                {
                    "age": "feishu:database_figures:age_seconds",
                    "{{metric}}": "sum by (metric) (increase(feishu_database_figures_failures_total[5m]))",
                    "unreachable": "count(feishu_database_up == 0) or vector(0)",
                },
                limits=(60, 300),
            ),
        ),
        (
            graph(
                "失败的任务", "Tasks that failed",
                Text("以错误结束的任务，每 5 分钟；错误见 worker 日志。", "Runs that ended with an error, in 5 minutes; the worker's log has it."),
                "short", {"{{task}}": "sum by (task) (increase(feishu_task_failures_total[5m]))"},
                limits=(3, None), width=12,
            ),
            graph(
                "高负载时省略的工作", "Work shed under load",
                Text("refused 为拒收、待平台重推的事件；其余为可选工作。", "refused: events that the platform pushes again; the others were optional."),
                "ops", {"{{work}}": rate("feishu_shed_work_total", "work")},
                width=12,
            ),
        ),
    ),
)  # fmt: skip

CONNECTIONS: Final = Dashboard(
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
                "已建立的长连接", "Connections that hear",
                Text("心跳正常到达的长连接数；0 表示该机器人收不到事件。", "Long connections on which heartbeats arrive; 0 is a deaf bot."),
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
                Text("含心跳。超过心跳间隔的两倍即视为失聪，连接会被重建。", "Heartbeats included. Beyond two intervals of them a connection is made anew."),
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

EVENTS: Final = Dashboard(
    "events",
    Text("飞书门户 / 事件", "Feishu Portal / Events"),
    (
        (
            graph(
                "按类型", "By type",
                Text("最多的十种，每秒。", "The ten most frequent, a second."),
                "reqps", {"{{type}}": f"topk(10, {rate('feishu_events_received_total', 'type', matchers=BOT)})"},
            ),
            graph(
                "重复与拒收", "Repeated and refused",
                Text("repeated 为平台再次推送者，不会重复入库；refused 因数据库不可用而拒收。", "repeated: pushed again, and stored once; refused: the database was away."),
                "reqps",
                {
                    "repeated": f"sum(rate(feishu_events_duplicate_total{{{BOT}}}[$__rate_interval]))",
                    "refused": "sum(rate(feishu_events_not_stored_total[$__rate_interval]))",
                },
            ),
            graph(
                "应答过慢的比例", "Share acknowledged late",
                Text("超过 2.5 秒；平台等待 3 秒。", "Later than 2.5 s; the platform waits for 3 s."),
                "percentunit", {"{{transport}}": "feishu:acks_late:ratio_rate5m"}, limits=(0.01, 0.05),
            ),
        ),
        (
            graph(
                "等待时间", "How long the oldest waits",
                Text("最早的待分发事件、待执行处理与待推送事件。", "The oldest event, handler run and push that waits."),
                "s", {"{{kind}}": "feishu:waiting:age_seconds"}, limits=(60, 120),
            ),
            graph(
                "积压", "Backlog",
                Text("尚未结束的事件、处理与推送，最多计至 10000。", "Events, handler runs and deliveries that have not ended, counted up to 10000."),
                "short",
                {
                    "events {{status}}": known("feishu_events_backlog", "status"),
                    "handlers {{status}}": known("feishu_handler_runs_backlog", "status"),
                    "deliveries {{status}}": known("feishu_deliveries_backlog", "status"),
                },
                limits=(10_000, None),
            ),
            graph(
                "批量", "Events in one commit",
                Text("一次提交写入的事件数；越大说明负载越高。", "How many are written together: the more, the higher the load."),
                "short", {"p50": quantile(0.5, "feishu_event_batch_size"), "p99": quantile(0.99, "feishu_event_batch_size")},
            ),
        ),
        (
            graph(
                "处理次数", "Attempts of handlers",
                Text("每秒结束的执行，按处理器。", "That ended, a second, by handler."),
                "ops", {"{{handler}}": rate("feishu_handler_attempts_total", "handler")},
            ),
            graph(
                "失败率", "Share of attempts that fail",
                Text("近 5 分钟，按处理器。14.4% 触发告警。", "In 5 minutes, by handler. 14.4 % is an alert."),
                "percentunit", {"{{handler}}": "feishu:handler_failures:ratio_rate5m"}, limits=(0.06, 0.144),
            ),
            graph(
                "失败原因", "Failures",
                Text("每秒，按处理器与原因；dead 为放弃重试者。", "A second, by handler and cause; dead: given up after the last attempt."),
                "ops",
                {
                    "{{handler}} {{outcome}}": rate("feishu_handler_failures_total", "handler", "outcome"),
                    "{{handler}} dead": rate("feishu_handler_dead_total", "handler"),
                },
            ),
        ),
        (
            graph(
                "处理耗时 p99", "Duration of handlers, p99",
                Text("单次执行，按处理器；停止响应者不在其中。", "Of one attempt, by handler; those that hang are not among them."),
                "s", {"{{handler}}": quantile(0.99, "feishu_handler_seconds", "handler")},
            ),
            graph(
                "从到达到处理完成", "From arrival to success",
                Text("含等待与重试；重放除外。", "With waits and retries, without replays."),
                "s",
                {"p50": quantile(0.5, "feishu_event_handled_seconds"), "p99": quantile(0.99, "feishu_event_handled_seconds")},
            ),
            graph(
                "死信", "Dead letters",
                Text("等待人工处理的处理与推送，最多计至 10000。", "Handler runs and deliveries that wait for a person, counted up to 10000."),
                "short", {"{{kind}}": "feishu:dead_letters:max"}, limits=(1, None),
            ),
        ),
        (
            graph(
                "卡片交互耗时 p99", "Answers to card clicks, p99",
                Text("超过 3 秒用户会看到错误；门户在 2.2 秒代为应答。", "After 3 s people see an error; the portal answers at 2.2 s in the handler's place."),
                "s", {"{{bot}}": quantile(0.99, "feishu_callback_seconds", "bot", matchers=BOT)}, limits=(2.5, 3),
            ),
            graph(
                "应答过慢的卡片交互", "Share of clicks answered late",
                Text("超过 2.5 秒的比例。", "Later than 2.5 s."),
                "percentunit", {"{{bot}}": f"feishu:callbacks_late:ratio_rate5m{{{BOT}}}"}, limits=(0.01, 0.05),
            ),
            graph(
                "代为应答与卡片更新", "Rescued clicks and later cards",
                Text("rescued 为先行应答「处理中」者；其余为之后的卡片更新，按结果。", "rescued: answered before the handler was done; the others are the cards that followed, by outcome."),
                "ops",
                {
                    "rescued": f"sum(rate(feishu_callbacks_rescued_total{{{BOT}}}[$__rate_interval]))",
                    "cards {{outcome}}": rate("feishu_card_updates_total", "outcome"),
                },
            ),
        ),
        (
            graph(
                "推送", "Deliveries",
                Text("每秒，按结果；fetched 为订阅方自行取走者。", "A second, by outcome; fetched: taken by the receiver itself."),
                "ops", {"{{outcome}}": rate("feishu_deliveries_total", "outcome")},
            ),
            graph(
                "从到达到推送成功", "From arrival to delivery",
                Text("含重试；重放除外。", "With retries, without replays."),
                "s", {"p50": quantile(0.5, "feishu_delivery_seconds"), "p99": quantile(0.99, "feishu_delivery_seconds")},
            ),
            graph(
                "订阅", "Subscriptions",
                Text("failing 为持续失败、已减少推送者。", "failing: its receiver keeps failing, and is asked seldom."),
                "short", {"{{state}}": known("feishu_subscriptions", "state")}, is_stacked=True,
            ),
        ),
    ),
)  # fmt: skip

TOKENS: Final = Dashboard(
    "tokens",
    Text("飞书门户 / 令牌与平台", "Feishu Portal / Tokens and platform"),
    (
        (
            number(
                "有效授权", "Active grants",
                Text("最多计至 10000。", "Counted up to 10000."),
                total("feishu_user_tokens", "status", 'status="active"'),
            ),
            number(
                "须重新授权", "To be authorized again",
                Text("已失效，等待用户重新授权。", "Ended; their people have to authorize again."),
                total("feishu_user_tokens", "status", 'status="needs_reauth"'),
            ),
            number(
                "七天内到期", "Ending within 7 days",
                Text("平台自授权起 365 天后终止。", "The platform ends a grant 365 days after consent."),
                "max(feishu_user_tokens_ending)", limits=(1, None),
            ),
            number(
                "刷新结果未知", "Outcome unknown",
                Text("access token 到期后各探测一次。", "Each is probed once, when its access token ends."),
                "max(feishu_token_uncertain)", limits=(1, 5),
            ),
            number(
                "应刷新而未刷新", "Refreshes overdue",
                Text("大于 0 且持续增长说明没有刷新进程。", "Where it stays and grows, no refresher works."),
                "max(feishu_token_refresh_overdue)", limits=(10, 100),
            ),
            number(
                "等待用户答复", "Requests open",
                Text("尚未答复的授权请求。", "Authorization requests that wait for their person."),
                "max(feishu_auth_sessions_open)",
            ),
        ),
        (
            graph(
                "授权数", "Grants",
                Text("按状态，最多计至 10000。", "By status, counted up to 10000."),
                "short", {"{{status}}": known("feishu_user_tokens", "status")},
            ),
            graph(
                "刷新", "Refreshes",
                Text("每分钟，按结果；dead_user、dead_app 意味着授权失效。", "A minute, by outcome; dead_user and dead_app cost grants."),
                "opm", {"{{outcome}}": f"60 * {rate('feishu_token_refresh_total', 'outcome')}"},
            ),
            graph(
                "刷新失败原因", "Refreshes that failed",
                Text("每 5 分钟，按结果与平台错误码。", "In 5 minutes, by outcome and the platform's code."),
                "short", {"{{outcome}} {{reason}}": "sum by (outcome, reason) (increase(feishu_token_refresh_failures_total[5m]))"},
            ),
        ),
        (
            graph(
                "刷新逾期", "Refresh lag",
                Text("最早应刷新而未刷新者已逾期的时间；超过 5 分钟触发告警。", "For how long the one that has been due longest waits; 5 minutes is an alert."),
                "s", {"lag": "max(feishu_token_refresh_lag_seconds)"}, limits=(60, 300),
            ),
            graph(
                "一小时内失效的授权", "Grants lost within an hour",
                Text("刷新被平台判定失效者。突增常见于密钥更换或另一套安装在刷新同一批授权。", "Refused for good. Many at once: another secret, or a second installation that refreshes the same grants."),
                "short", {"lost": "feishu:grants_lost:increase1h"}, limits=(5, 20),
            ),
            graph(
                "授权请求", "Authorization requests",
                Text("已结束者，每小时，按结果。", "That ended, an hour, by outcome."),
                "short", {"{{state}}": f"sum by (state) (increase(feishu_auth_sessions_total{{{BOT}}}[1h]))"}, is_stacked=True,
            ),
        ),
        (
            graph(
                "用户完成授权所需时间", "Time to consent",
                Text("从发起请求到用户同意。", "From the request to the person's consent."),
                "s",
                {
                    "p50": "histogram_quantile(0.5, sum by (le) (rate(feishu_auth_session_seconds_bucket[1h])))",
                    "p90": "histogram_quantile(0.9, sum by (le) (rate(feishu_auth_session_seconds_bucket[1h])))",
                },
            ),
            graph(
                "交付的令牌", "Tokens handed out",
                Text("通过接口交付，每分钟。", "By the API, a minute."),
                "opm", {"{{bot}}": f"60 * {rate('feishu_tokens_served_total', 'bot', matchers=BOT)}"},
            ),
            graph(
                "代理转发", "Proxied calls",
                Text("每秒，按身份与答复状态；none 为平台未答复。", "A second, by identity and status; none: the platform did not answer."),
                "reqps", {"{{identity}} {{status}}": rate("feishu_proxied_calls_total", "identity", "status", matchers=BOT)},
            ),
        ),
        (
            graph(
                "平台调用", "Calls to the platform",
                Text("每秒，按接口，含代理转发。", "A second, by API, the proxy's included."),
                "reqps", {"{{api}}": f"topk(10, {rate('feishu_openapi_requests_total', 'api', matchers=BOT)})"},
            ),
            graph(
                "平台错误", "Errors of the platform",
                Text("每秒，按错误码；单词为没有得到应答的原因。", "A second, by code; a word says why there was none."),
                "reqps", {"{{code}}": f"topk(10, {rate('feishu_openapi_requests_total', 'code', matchers=NO_SUCCESS)})"},
            ),
            graph(
                "平台耗时 p99", "Time of the platform, p99",
                Text("从发出到答复，按接口。", "From the call to its answer, by API."),
                "s", {"{{api}}": f"topk(10, {quantile(0.99, 'feishu_openapi_seconds', 'api')})"}, limits=(2.5, 10),
            ),
        ),
        (
            graph(
                "没有应答的调用", "Calls without an answer",
                Text("占全部调用的比例；超过 20% 触发告警。", "As a share of all; 20 % is an alert."),
                "percentunit", {"unanswered": "feishu:platform_unanswered:rate2m / feishu:platform_calls:rate2m"}, limits=(0.05, 0.2),
            ),
            graph(
                "限频", "Rate limits hit",
                Text("被限频拒绝的调用，每 5 分钟。", "Calls refused for a rate limit, in 5 minutes."),
                "short", {"{{bot}} {{api}}": f"sum by (bot, api) (increase(feishu_openapi_rate_limited_total{{{BOT}}}[5m]))"},
                limits=(3, None),
            ),
            graph(
                "频率上限", "Rate limits known",
                Text("平台在拒绝时告知的窗口上限。", "What a window allows, as the platform says where it refuses."),
                "short", {"{{bot}} {{api}}": known("feishu_openapi_rate_limit", "bot", "api", matchers=BOT)},
            ),
        ),
    ),
)  # fmt: skip

DASHBOARDS: Final = (OVERVIEW, CONNECTIONS, EVENTS, TOKENS)


def documents() -> dict[Path, str]:
    """The files as they should be."""
    return {
        HERE / language / f"{dashboard.name}.json": json.dumps(
            dashboard.written(language), ensure_ascii=False, indent=2
        )
        + "\n"
        for language in LANGUAGES
        for dashboard in DASHBOARDS
    }


def main() -> None:
    for path, text in documents().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
