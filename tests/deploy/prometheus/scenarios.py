"""What may happen to a portal, and which alerts it is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from tests.deploy.prometheus import portal
from tests.deploy.prometheus.changes import (
    counted,
    ends_after,
    figure,
    lost,
    restarted,
    stands_still,
    told,
    told_by_all,
)
from tests.deploy.prometheus.portal import BREAK, BROKEN_AT, LENGTH, STEP, Series

Firing: TypeAlias = tuple[str, str, Mapping[str, str]]
"""An alert, its severity and its other labels."""
SOON: Final = 90
"""Seconds within which alerts fire here that have to fire within two minutes: a scrape and the life of the database's figures
may take 30 s before."""


@dataclass(frozen=True)
class Scenario:
    """What happens to a portal that was well for two minutes, and which alerts fire ``at`` so many seconds later: these and no
    others. ``quiet``: the alert that this comes close to, with its severity. ``from_start``: it was so all the time."""

    name: str
    changes: Series
    fires: tuple[Firing, ...] = ()
    at: int = SOON
    quiet: tuple[str, str] | None = None
    from_start: bool = False

    def played(self) -> dict[str, Any]:
        series = portal.well() | self.changes
        checks = [self._check(BROKEN_AT + self.at, self.fires)]
        if not self.from_start:
            checks.append(self._check(BROKEN_AT - STEP, ()))
        return {
            "name": self.name,
            "interval": f"{STEP}s",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": checks,
        }

    def _check(self, seconds: int, fires: tuple[Firing, ...]) -> dict[str, Any]:
        return {
            "expr": 'ALERTS{alertstate="firing"}',
            "eval_time": f"{seconds}s",
            "exp_samples": [{"labels": sample(*firing), "value": 1} for firing in fires],
        }


def sample(alert: str, severity: str, labels: Mapping[str, str]) -> str:
    written = {"alertname": alert, "alertstate": "firing", "severity": severity} | labels
    return "ALERTS{" + ", ".join(f'{name}="{value}"' for name, value in written.items()) + "}"


def critical(alert: str, **labels: str) -> Firing:
    return alert, "critical", labels


def warning(alert: str, **labels: str) -> Firing:
    return alert, "warning", labels


ALL: Final = tuple(sorted({process for process, _ in portal.PROCESSES}))
SCRAPE_OF_A_LISTENER: Final = portal.selector("scrape_duration_seconds", "runfeishu", "two:9102")
NO_CONNECTION: Final = (
    figure("feishu_connections", 2, 0, bot="cli_a", state="connected")
    | figure("feishu_connections", 1, 0, bot="cli_b", state="connected")
    | figure("feishu_bots", 2, 0, health="connected")
    | figure("feishu_bots", 0, 2, health="error")
)
WAITING: Final = told_by_all("feishu_events_oldest_seconds", portal.faster(0, 15)) | told_by_all(
    "feishu_handler_runs_overdue_seconds", portal.faster(0, 15)
)
NO_PASSES: Final = stands_still("feishu_last_pass_timestamp_seconds")
NO_DATABASE: Final = (
    {
        name: portal.gone(values)
        for name, values in portal.well().items()
        if name.startswith(tuple(m for m, _, _ in portal.FIGURES))
    }
    | told_by_all("feishu_database_up", portal.then(1, 0))
    | stands_still("feishu_database_figures_timestamp_seconds")
    | NO_PASSES
    | counted("runfeishu", "feishu_events_not_stored_total", 0, 5)
    | counted("worker", "feishu_task_failures_total", 0, 5, task="events.sweep")
)


PLATFORM: Final = {"bot": "cli_a", "api": "im/v1/messages"}
TENANT_TOKEN: Final = {"bot": "cli_a", "api": "auth/v3/tenant_access_token"}

SCENARIOS: Final = (
    # --- the portal and what it stands on
    Scenario("all processes end", lost(*ALL), (critical("FeishuDown"),)),
    Scenario("all processes are upgraded", restarted(), quiet=("FeishuDown", "critical")),
    Scenario(
        "some minutes after an upgrade", restarted(), at=600, quiet=("FeishuProcessRestarts", "warning")
    ),
    Scenario("the database is away", NO_DATABASE, (critical("FeishuDatabaseUnreachable"),)),
    Scenario("the database stays away", NO_DATABASE, (critical("FeishuDatabaseUnreachable"),), at=900),
    Scenario(
        "one host has lost the way to the database",
        {portal.selector("feishu_database_up", "worker", "two:9103"): portal.then(1, 0)},
        quiet=("FeishuDatabaseUnreachable", "critical"),
    ),
    Scenario(
        "the portal finds that its database was put back",
        figure("feishu_passive", 0, 1, cause="behind") | NO_CONNECTION | WAITING,
        (critical("FeishuPassive", cause="behind"),),
    ),
    Scenario(
        "a copy is looked at, with web processes alone",
        figure("feishu_passive", 0, 1, cause="setting")
        | NO_CONNECTION
        | WAITING
        | figure("feishu_listener_processes", 2, 0)
        | lost("runfeishu", "worker", "refresher", "beat"),
        at=900,
        quiet=("FeishuPassive", "critical"),
    ),
    # --- kinds of processes
    Scenario("web processes end", lost("web"), (critical("FeishuNobodyServes"),)),
    Scenario("a web process ends", lost("web", host="two"), quiet=("FeishuNobodyServes", "critical")),
    Scenario(
        "listeners end",
        lost("runfeishu") | NO_CONNECTION | figure("feishu_listener_processes", 2, 0),
        (critical("FeishuNobodyListens"),),
    ),
    Scenario(
        "no listener runs where no bot wants one",
        told_by_all("feishu_listener_processes", portal.steady(0))
        | told_by_all("feishu_bots", portal.steady(0), health="connected")
        | {
            name: portal.gone(values)
            for name, values in portal.well().items()
            if name.startswith("feishu_connections")
        }
        | lost("runfeishu"),
        at=600,
        quiet=("FeishuNobodyListens", "critical"),
        from_start=True,
    ),
    Scenario("the scheduler ends", lost("beat") | NO_PASSES, (critical("FeishuNobodySchedules"),)),
    Scenario(
        "Redis takes no tasks",
        stands_still("feishu_last_beat_timestamp_seconds") | NO_PASSES,
        (critical("FeishuNobodySchedules"),),
    ),
    Scenario(
        "the scheduler is late for half a minute",
        {
            portal.selector(
                "feishu_last_beat_timestamp_seconds", "beat", "one:9105"
            ): f"0+{STEP}x{BREAK - 1} {BROKEN_AT}x1 {BROKEN_AT + 2 * STEP}+{STEP}x{LENGTH - BREAK - 2}"
        },
        quiet=("FeishuNobodySchedules", "critical"),
    ),
    Scenario("workers end", lost("worker") | WAITING, (critical("FeishuNobodyWorks"),)),
    Scenario("workers stay away", lost("worker") | WAITING, (critical("FeishuNobodyWorks"),), at=900),
    Scenario(
        "workers hang",
        stands_still("feishu_last_pass_timestamp_seconds", task="events.sweep") | WAITING,
        (critical("FeishuNobodyWorks"),),
    ),
    Scenario(
        "the database came back a moment ago, and passes only begin again",
        told_by_all("feishu_database_up", f"1x{BREAK - 1} 0x5 1x{LENGTH - BREAK - 6}") | NO_PASSES,
        at=135,
        quiet=("FeishuNobodyWorks", "critical"),
    ),
    Scenario("a worker ends", lost("worker", host="two"), quiet=("FeishuNobodyWorks", "critical")),
    Scenario("the refresher ends", lost("refresher"), (critical("FeishuNobodyRefreshes"),)),
    Scenario(
        "the refresher passes and refreshes nothing",
        figure("feishu_token_refresh_lag_seconds", 0, 400),
        (critical("FeishuNobodyRefreshes"),),
    ),
    Scenario(
        "refreshes are late by three minutes",
        figure("feishu_token_refresh_lag_seconds", 0, 200),
        at=600,
        quiet=("FeishuNobodyRefreshes", "critical"),
    ),
    Scenario(
        "no refresher runs where nobody has authorized",
        lost("refresher") | told_by_all("feishu_user_tokens", portal.steady(0), status="active"),
        at=600,
        quiet=("FeishuNobodyRefreshes", "critical"),
        from_start=True,
    ),
    Scenario(
        "a listener hangs", figure("feishu_listener_processes", 2, 1), (critical("FeishuListenerHangs"),)
    ),
    Scenario(
        "a listener is frozen, and scrapes of it wait in vain",
        figure("feishu_listener_processes", 2, 1)
        | lost("runfeishu", host="two")
        | {SCRAPE_OF_A_LISTENER: portal.then(0.02, 10.0)},
        (critical("FeishuListenerHangs", job="feishu-runfeishu", instance="two:9102"),),
    ),
    Scenario(
        "a listener stays frozen, and that is said once",
        figure("feishu_listener_processes", 2, 1)
        | lost("runfeishu", host="two")
        | {SCRAPE_OF_A_LISTENER: portal.then(0.02, 10.0)},
        (critical("FeishuListenerHangs", job="feishu-runfeishu", instance="two:9102"),),
        at=600,
        quiet=("FeishuProcessDown", "warning"),
    ),
    Scenario(
        "a listener ends, and scrapes of it are refused",
        figure("feishu_listener_processes", 2, 1)
        | lost("runfeishu", host="two")
        | {SCRAPE_OF_A_LISTENER: portal.then(0.02, 0.001)},
        quiet=("FeishuListenerHangs", "critical"),
    ),
    # --- events come in
    Scenario(
        "a bot loses its only connection",
        figure("feishu_connections", 1, 0, bot="cli_b", state="connected"),
        (critical("FeishuBotDeaf", bot="cli_b"),),
    ),
    Scenario(
        "a bot loses one of two connections",
        figure("feishu_connections", 2, 1, bot="cli_a", state="connected"),
        at=600,
        quiet=("FeishuBotDeaf", "critical"),
    ),
    Scenario(
        "the way to the platform is cut",
        NO_CONNECTION
        | counted("worker", "feishu_openapi_requests_total", 0.1, 100, **PLATFORM, code="timeout"),
        (critical("FeishuBotDeaf", bot="cli_a"), critical("FeishuBotDeaf", bot="cli_b")),
    ),
    Scenario(
        "the database's disk is full",
        counted("runfeishu", "feishu_events_not_stored_total", 0, 3),
        (critical("FeishuEventsNotStored"),),
    ),
    Scenario(
        "a failover refuses events for half a minute",
        told("runfeishu", "feishu_events_not_stored_total", ends_after(30, 3)),
        quiet=("FeishuEventsNotStored", "critical"),
    ),
    Scenario(
        "events take long to be stored",
        counted("runfeishu", "feishu_event_ack_seconds_bucket", 150, 0, transport="websocket", le="2.5"),
        (critical("FeishuAcksLate", transport="websocket"),),
    ),
    Scenario(
        "one event in a hundred takes long to be stored",
        counted("runfeishu", "feishu_event_ack_seconds_bucket", 150, 148.5, transport="websocket", le="2.5"),
        at=600,
        quiet=("FeishuAcksLate", "critical"),
    ),
    Scenario(
        "card clicks take long to be answered",
        counted("runfeishu", "feishu_callback_seconds_bucket", 5, 0, bot="cli_a", le="2.5"),
        (critical("FeishuCallbacksLate", bot="cli_a"),),
    ),
    Scenario(
        "one card click is late",
        told(
            "runfeishu",
            "feishu_callback_seconds_bucket",
            f"0+5x{BREAK - 1} {5 * BREAK - 1}+5x{LENGTH - BREAK}",
            bot="cli_a",
            le="2.5",
        ),
        quiet=("FeishuCallbacksLate", "critical"),
    ),
    Scenario(
        "a webhook's signature is wrong",
        counted("web", "feishu_webhook_refused_total", 0, 2, bot="cli_a", reason="bad_signature"),
        (warning("FeishuWebhookRefused", bot="cli_a", reason="bad_signature"),),
    ),
    Scenario(
        "strangers try webhooks of bots that are not there",
        counted("web", "feishu_webhook_refused_total", 2, 200, bot="other", reason="no_webhook_bot"),
        quiet=("FeishuWebhookRefused", "warning"),
    ),
    Scenario(
        "connections are lost again and again",
        counted("runfeishu", "feishu_connection_reconnects_total", 0.01, 1, bot="cli_a", reason="closed"),
        (warning("FeishuConnectionUnsteady", bot="cli_a"),),
    ),
    Scenario(
        "connections are lost every ten minutes",
        counted("runfeishu", "feishu_connection_reconnects_total", 0.01, 0.02, bot="cli_a", reason="closed"),
        at=1_500,
        quiet=("FeishuConnectionUnsteady", "warning"),
    ),
    Scenario(
        "an event cannot be read",
        figure("feishu_events_backlog", 1, 2, status="quarantined"),
        (warning("FeishuEventsQuarantined"),),
    ),
    Scenario(
        "quarantined events are cleared",
        figure("feishu_events_backlog", 9, 1, status="quarantined"),
        quiet=("FeishuEventsQuarantined", "warning"),
    ),
    # --- events are handled and delivered
    Scenario(
        "events wait for minutes",
        figure("feishu_events_oldest_seconds", 1, 150),
        (critical("FeishuBacklogOld", kind="events"),),
    ),
    Scenario(
        "handler runs wait for minutes",
        figure("feishu_handler_runs_overdue_seconds", 1, 150),
        (critical("FeishuBacklogOld", kind="handlers"),),
    ),
    Scenario(
        "ten thousand events drain",
        figure("feishu_events_backlog", 2, 10_000, status="received")
        | figure("feishu_events_oldest_seconds", 1, 60),
        at=600,
        quiet=("FeishuBacklogOld", "critical"),
    ),
    Scenario(
        "pushes wait for minutes",
        figure("feishu_deliveries_overdue_seconds", 0, 300),
        (warning("FeishuBacklogOld", kind="deliveries"),),
        at=420,
    ),
    Scenario(
        "pushes wait for a while",
        figure("feishu_deliveries_overdue_seconds", 0, 300),
        at=240,
        quiet=("FeishuBacklogOld", "warning"),
    ),
    Scenario(
        "a busy handler begins to fail",
        counted("worker", "feishu_handler_failures_total", 0.5, 150, handler="answer", outcome="raised"),
        (critical("FeishuHandlerFails", handler="answer"),),
    ),
    Scenario(
        "a new handler fails from its first event",
        counted("worker", "feishu_handler_attempts_total", 0, 0.5, handler="new")
        | counted("worker", "feishu_handler_failures_total", 0, 0.5, handler="new", outcome="timed_out"),
        (critical("FeishuHandlerFails", handler="new"),),
        at=300,
    ),
    Scenario(
        "one attempt in fifty fails",
        counted("worker", "feishu_handler_failures_total", 0.5, 3, handler="answer", outcome="raised"),
        at=1_500,
        quiet=("FeishuHandlerFails", "critical"),
    ),
    Scenario(
        "one attempt in ten fails for long",
        told(
            "worker", "feishu_handler_failures_total", portal.rising(15), handler="answer", outcome="raised"
        ),
        (warning("FeishuHandlerFails", handler="answer"),),
        at=400,
        from_start=True,
    ),
    Scenario(
        "one attempt in ten fails for some minutes",
        counted("worker", "feishu_handler_failures_total", 0.5, 15, handler="answer", outcome="raised"),
        at=300,
        quiet=("FeishuHandlerFails", "warning"),
    ),
    Scenario(
        "a run becomes a dead letter",
        figure("feishu_dead_letters", 3, 4, kind="handler"),
        (warning("FeishuDeadLetters", kind="handler"),),
    ),
    Scenario(
        "dead letters are dealt with",
        figure("feishu_dead_letters", 9, 3, kind="handler"),
        quiet=("FeishuDeadLetters", "warning"),
    ),
    Scenario(
        "a receiver fails for long",
        figure("feishu_subscriptions", 0, 1, state="failing"),
        (warning("FeishuDeliveriesFailing"),),
        at=720,
    ),
    Scenario(
        "a receiver restarts",
        figure("feishu_subscriptions", 0, 1, state="failing"),
        at=300,
        quiet=("FeishuDeliveriesFailing", "warning"),
    ),
    Scenario(
        "a task fails again and again",
        counted("worker", "feishu_task_failures_total", 0, 1, task="events.sweep"),
        (warning("FeishuTasksFailing", task="events.sweep"),),
        at=900,
    ),
    Scenario(
        "a task has failed for a minute",
        told("worker", "feishu_task_failures_total", ends_after(60, 3), task="events.sweep"),
        at=720,
        quiet=("FeishuTasksFailing", "warning"),
    ),
    # --- the platform
    Scenario(
        "the platform's API does not answer",
        counted("worker", "feishu_openapi_requests_total", 0.1, 100, **PLATFORM, code="timeout")
        | counted("worker", "feishu_openapi_requests_total", 100, 0, **PLATFORM, code="0"),
        (critical("FeishuPlatformCallsFail"),),
    ),
    Scenario(
        "callers make mistakes, and the platform says so",
        counted("worker", "feishu_openapi_requests_total", 30, 900, **PLATFORM, code="230002"),
        at=600,
        quiet=("FeishuPlatformCallsFail", "critical"),
    ),
    Scenario(
        "the platform limits calls",
        counted("worker", "feishu_openapi_rate_limited_total", 0.01, 2, **PLATFORM),
        (warning("FeishuRateLimited", **PLATFORM),),
    ),
    Scenario(
        "the platform limits a call now and then",
        counted("worker", "feishu_openapi_rate_limited_total", 0.01, 0.05, **PLATFORM),
        at=900,
        quiet=("FeishuRateLimited", "warning"),
    ),
    Scenario(
        "the month's quota is used up",
        counted("worker", "feishu_openapi_requests_total", 0, 1, **PLATFORM, code="99991403"),
        (warning("FeishuQuotaSpent", bot="cli_a"),),
    ),
    Scenario(
        "calls are refused by rate limits alone",
        counted("worker", "feishu_openapi_requests_total", 0, 1, **PLATFORM, code="99991400"),
        quiet=("FeishuQuotaSpent", "warning"),
    ),
    Scenario(
        "a secret is replaced in the developer console",
        counted("worker", "feishu_openapi_requests_total", 0, 1, **TENANT_TOKEN, code="10014"),
        (critical("FeishuSecretRefused", bot="cli_a"),),
    ),
    Scenario(
        "a secret is replaced, and its bot's handlers fail",
        counted("worker", "feishu_openapi_requests_total", 0, 1, **TENANT_TOKEN, code="10014")
        | counted("worker", "feishu_handler_failures_total", 0.5, 150, handler="answer", outcome="raised"),
        (critical("FeishuSecretRefused", bot="cli_a"),),
    ),
    Scenario(
        "a secret stays refused while a handler fails",
        counted("worker", "feishu_openapi_requests_total", 0, 1, **TENANT_TOKEN, code="10014")
        | counted("worker", "feishu_handler_failures_total", 0.5, 150, handler="answer", outcome="raised"),
        (critical("FeishuHandlerFails", handler="answer"), critical("FeishuSecretRefused", bot="cli_a")),
        at=1_500,
    ),
    Scenario(
        "a quiet bot's secret is refused once",
        told(
            "worker",
            "feishu_openapi_requests_total",
            f"_x{BREAK} 1x{LENGTH - BREAK}",
            **TENANT_TOKEN,
            code="10015",
        ),
        (critical("FeishuSecretRefused", bot="cli_a"),),
    ),
    Scenario(
        "a secret was refused a while ago",
        told(
            "worker",
            "feishu_openapi_requests_total",
            f"_x{BREAK} 1x{LENGTH - BREAK}",
            **TENANT_TOKEN,
            code="10015",
        ),
        at=600,
        quiet=("FeishuSecretRefused", "critical"),
    ),
    Scenario(
        "a secret is replaced and the connection breaks",
        NO_CONNECTION
        | counted("worker", "feishu_openapi_requests_total", 0, 1, **TENANT_TOKEN, code="10014"),
        (critical("FeishuBotDeaf", bot="cli_a"), critical("FeishuBotDeaf", bot="cli_b")),
        quiet=("FeishuSecretRefused", "critical"),
    ),
    Scenario(
        "a token cannot be fetched now and then",
        counted("worker", "feishu_openapi_requests_total", 0, 0.5, **TENANT_TOKEN, code="timeout"),
        quiet=("FeishuSecretRefused", "critical"),
    ),
    Scenario(
        "a redirect URL is taken out of the developer console",
        figure("feishu_bots_misconfigured", 0, 1, check="redirect_url"),
        (warning("FeishuBotMisconfigured", check="redirect_url"),),
        at=1500,
    ),
    Scenario(
        "somebody sets a bot up",
        figure("feishu_bots_misconfigured", 0, 1, check="redirect_url"),
        at=600,
        quiet=("FeishuBotMisconfigured", "warning"),
    ),
    # --- authorizations
    Scenario(
        "another installation refreshes the same grants",
        counted("refresher", "feishu_token_refresh_total", 0.01, 3, outcome="dead_user"),
        (critical("FeishuGrantsLost"),),
    ),
    Scenario(
        "three people leave",
        told("refresher", "feishu_token_refresh_total", ends_after(45, 1), outcome="dead_user"),
        quiet=("FeishuGrantsLost", "critical"),
    ),
    Scenario(
        "outcomes of refreshes are unknown",
        figure("feishu_token_uncertain", 1, 6),
        (warning("FeishuTokensUncertain"),),
        at=420,
    ),
    Scenario(
        "a refresher was killed in the middle",
        figure("feishu_token_uncertain", 1, 4),
        at=900,
        quiet=("FeishuTokensUncertain", "warning"),
    ),
    Scenario(
        "the database takes no answers",
        told("refresher", "feishu_refresh_spool_answers", portal.then(0, 2)),
        (warning("FeishuAnswersNotStored", job="feishu-refresher", instance="one:9104"),),
        at=360,
    ),
    Scenario(
        "an answer is stored by the next pass but a few",
        told("refresher", "feishu_refresh_spool_answers", f"0x{BREAK - 1} 1x8 0x{LENGTH - BREAK - 9}"),
        at=360,
        quiet=("FeishuAnswersNotStored", "warning"),
    ),
    Scenario(
        "a redirect URL is wrong",
        counted("web", "feishu_auth_sessions_total", 0, 1, bot="cli_a", state="failed"),
        (warning("FeishuAuthorizationsFail", bot="cli_a"),),
    ),
    Scenario(
        "people decline",
        counted("web", "feishu_auth_sessions_total", 0, 1, bot="cli_a", state="denied"),
        quiet=("FeishuAuthorizationsFail", "warning"),
    ),
    Scenario(
        "authorizations are a year old",
        told_by_all("feishu_user_tokens_ending", portal.steady(3)),
        (("FeishuTokensEnding", "info", {}),),
        at=900,
        from_start=True,
    ),
    Scenario(
        "an authorization ends soon and its person authorizes again",
        figure("feishu_user_tokens_ending", 0, 1),
        at=600,
        quiet=("FeishuTokensEnding", "info"),
    ),
    # --- processes
    Scenario(
        "a host is away",
        lost(*ALL, host="two") | figure("feishu_listener_processes", 2, 1),
        tuple(
            warning("FeishuProcessDown", job=f"feishu-{process}", instance=instance)
            for process, instance in portal.PROCESSES
            if instance.startswith("two")
        ),
        at=180,
    ),
    Scenario(
        "a process is away for a minute",
        lost("worker", host="two"),
        at=60,
        quiet=("FeishuProcessDown", "warning"),
    ),
    Scenario(
        "a worker's runner hangs",
        figure("feishu_processes", 0, 1, kind="worker", state="stalled"),
        (warning("FeishuProcessStalled", kind="worker"),),
    ),
    Scenario(
        "all workers' runners hang",
        figure("feishu_processes", 0, 2, kind="worker", state="stalled")
        | stands_still("feishu_last_pass_timestamp_seconds", task="events.sweep"),
        (critical("FeishuNobodyWorks"),),
        quiet=("FeishuProcessStalled", "warning"),
    ),
    Scenario(
        "a process ends again and again",
        {
            portal.selector(
                "process_start_time_seconds", "worker", "two:9103"
            ): f"0x{BREAK - 1} 1 1 2 2 3x{LENGTH - BREAK - 4}"
        },
        (warning("FeishuProcessRestarts", job="feishu-worker", instance="two:9103"),),
    ),
    Scenario(
        "a host was forgotten in an upgrade",
        {
            portal.selector(
                "feishu_build_info", "worker", "two:9103", process="worker", version="0.0.9"
            ): portal.steady(1)
        },
        (warning("FeishuVersionsMixed"),),
        at=1_680,
        from_start=True,
    ),
    Scenario(
        "an upgrade is under way",
        {
            portal.selector(
                "feishu_build_info", "worker", "two:9103", process="worker", version="0.0.9"
            ): f"_x{BREAK} 1x{LENGTH - BREAK}"
        },
        at=1_500,
        quiet=("FeishuVersionsMixed", "warning"),
    ),
    Scenario(
        "a figure takes too long",
        told_by_all("feishu_database_figures_failures_total", portal.faster(0, 1), metric="feishu_bots"),
        (warning("FeishuFiguresMissing", metric="feishu_bots"),),
        at=900,
    ),
    Scenario(
        "a figure took too long once",
        told_by_all("feishu_database_figures_failures_total", ends_after(15, 1), metric="feishu_bots"),
        at=600,
        quiet=("FeishuFiguresMissing", "warning"),
    ),
    Scenario(
        "handlers of pages hold all connections",
        {portal.selector("feishu_database_pool", "web", "one:9101", state="waiting"): portal.then(0, 4)},
        (warning("FeishuDatabasePoolBusy", job="feishu-web", instance="one:9101"),),
        at=240,
    ),
    Scenario(
        "a burst takes all connections for a minute",
        {
            portal.selector(
                "feishu_database_pool", "web", "one:9101", state="waiting"
            ): f"0x{BREAK - 1} 4x4 0x{LENGTH - BREAK - 5}"
        },
        at=240,
        quiet=("FeishuDatabasePoolBusy", "warning"),
    ),
    # --- the whole
    Scenario(
        "nobody writes to any bot",
        {
            name: portal.steady(0)
            for name in portal.well()
            if "_total{" in name or "_bucket{" in name or "_count{" in name
        },
        at=1_500,
        from_start=True,
    ),
    Scenario(
        "everything has just started, and has made no pass yet",
        {
            name: f"_x1 {2 * STEP}+{STEP}x{LENGTH}"
            for name in portal.well()
            if name.startswith(("feishu_last_beat", "feishu_last_pass"))
        },
        at=60 - BROKEN_AT,
        from_start=True,
    ),
    Scenario(
        "some minutes after the start",
        {},
        at=600,
    ),
)
