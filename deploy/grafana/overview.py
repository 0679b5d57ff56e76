"""At a glance: what needs somebody, and how much comes and goes."""

from typing import Final

from deploy.grafana.panels import Dashboard, graph, known, number, quantile, rate, total
from feishu.text import Text

JOBS: Final = 'job=~"feishu-.+"'

DASHBOARD: Final = Dashboard(
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
                Text("收不到事件；看板“连接”显示是哪些。", "They receive no events; the dashboard Connections says which."),
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
                Text("判定失败、等待人工处理；见控制台“死信”。", "Failed for good, and wait for a person: the console's page Dead letters."),
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
                width=16,
            ),
        ),
        (
            graph(
                "未结束的异常", "Open incidents",
                Text("门户自身发现的问题，按原因；控制台“异常”页有详情。", "What the portal has found itself, by cause: the console's page Incidents."),
                "short", {"{{cause}}": f"{known('feishu_incidents_open', 'cause')} > 0 or vector(0)"},
                limits=(1, None),
                width=12,
            ),
            graph(
                "配置有误的机器人", "Bots that are set up wrongly",
                Text("检查结果为“有误”的机器人数，按检查项；机器人页面的清单说明如何处理。", "Bots of which a check found something wrong, by check; the bot's checklist says what to do."),
                "short", {"{{check}}": f"{known('feishu_bots_misconfigured', 'check')} > 0 or vector(0)"},
                limits=(1, None),
                width=12,
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
                    "stalled: a part stands still, restart it; silent: no heartbeat comes; stopped: ended as it should be.",
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
                limits=(3, None),
            ),
            graph(
                "高负载时省略的工作", "Work shed under load",
                Text("refused 为拒收、待平台重推的事件；其余为可选工作。", "refused: events that the platform pushes again; the others were optional."),
                "ops", {"{{work}}": rate("feishu_shed_work_total", "work")},
            ),
            graph(
                "数据库连接池", "Database pool",
                Text(
                    "各进程使用中的连接与等待连接的线程；等待持续不为 0 时，请求会变慢并返回 503。",
                    "Connections in use and threads that wait for one, by process. Where some always wait, requests are slow and get 503.",
                ),
                "short", {"{{state}} {{job}} {{instance}}": "feishu_database_pool > 0"},
            ),
        ),
    ),
)  # fmt: skip
