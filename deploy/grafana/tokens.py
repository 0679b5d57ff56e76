"""Authorizations, tokens and calls of the platform's API."""

from typing import Final

from deploy.grafana.panels import BOT, Dashboard, graph, known, number, quantile, rate, total
from feishu.text import Text

NO_SUCCESS: Final = f'code!="0", {BOT}'

DASHBOARD: Final = Dashboard(
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
                Text("access token 到期后重试探测，直到平台明确答复。", "Once its access token ends, each is probed until the platform answers."),
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
                "调用批准", "Approvals",
                Text("已结束者，每小时，按结果；covered 为批准一小时内直接执行者。", "That ended, an hour, by outcome; covered: within an approved hour."),
                "short", {"{{outcome}}": f"sum by (outcome) (increase(feishu_approvals_total{{{BOT}}}[1h]))"}, is_stacked=True,
            ),
            graph(
                "未入库的刷新结果", "Answers not stored",
                Text(
                    "保存在刷新进程磁盘上、数据库尚未接收的刷新结果；持续 5 分钟触发告警。",
                    "Answers to refreshes on the refresher's disk that the database has not taken; five minutes are an alert.",
                ),
                "short", {"{{instance}}": "max by (instance) (feishu_refresh_spool_answers) > 0 or vector(0)"}, limits=(1, None),
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
