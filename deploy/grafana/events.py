"""Events: what comes in, what handlers and subscriptions make of it, how late."""

from typing import Final

from deploy.grafana.panels import BOT, Dashboard, graph, known, quantile, rate
from feishu.text import Text

DASHBOARD: Final = Dashboard(
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
                Text("rescued 为先行应答“处理中”者；其余为之后的卡片更新，按结果。", "rescued: answered before the handler was done; the others are the cards that followed, by outcome."),
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
        (
            graph(
                "流式回复", "Streamed replies",
                Text("每秒，按结束方式；swept 为进程中断后由后台收尾者。", "A second, by how they ended; swept: left open by a process that is gone."),
                "ops", {"{{outcome}}": rate("feishu_streamed_replies_total", "outcome")},
            ),
        ),
    ),
)  # fmt: skip
