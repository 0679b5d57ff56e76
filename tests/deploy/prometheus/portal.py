"""The metrics of a busy portal that is well, as promtool takes them: series with the values of half an hour, one every 15 s.

Two hosts: web, runfeishu and worker on both, refresher and beat on the first.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

STEP: Final = 15
"""Seconds between two values."""
LENGTH: Final = 120
BREAK: Final = 8
"""The value with which a scenario departs from the portal that is well: after two minutes."""
BROKEN_AT: Final = BREAK * STEP

TELLING: Final = ("web", "worker")
Series: TypeAlias = dict[str, str]
"""Values by selector, in promtool's notation."""

PROCESSES: Final = (
    ("web", "one:9101"),
    ("web", "two:9101"),
    ("runfeishu", "one:9102"),
    ("runfeishu", "two:9102"),
    ("worker", "one:9103"),
    ("worker", "two:9103"),
    ("refresher", "one:9104"),
    ("beat", "one:9105"),
)


def steady(value: float) -> str:
    return f"{value}x{LENGTH}"


def rising(rate: float) -> str:
    """A counter, by how much it grows with each value."""
    return f"0+{rate}x{LENGTH}"


def then(before: float, after: float) -> str:
    """A gauge that changes when the scenario begins."""
    return f"{before}x{BREAK - 1} {after}x{LENGTH - BREAK}"


def faster(before: float, after: float) -> str:
    """A counter that grows otherwise when the scenario begins."""
    return f"0+{before}x{BREAK - 1} {before * BREAK}+{after}x{LENGTH - BREAK}"


def gone(value: str) -> str:
    """What ``value`` says until the scenario begins; then the process is no longer there to say it."""
    return f"{value.partition('x')[0]}x{BREAK - 1} stale"


def stuck() -> str:
    """A moment that advances with the clock until the scenario begins."""
    return f"0+{STEP}x{BREAK - 1} {STEP * BREAK}x{LENGTH - BREAK}"


def selector(metric: str, process: str, instance: str, /, **labels: str) -> str:
    written = "".join(f', {name}="{value}"' for name, value in labels.items())
    return f'{metric}{{job="feishu-{process}", instance="{instance}"{written}}}'


def well() -> Series:
    return dict(_series())


def _series() -> Iterator[tuple[str, str]]:
    now = rising(STEP)
    for process, instance in PROCESSES:
        for metric, labels, values in (
            ("up", {}, steady(1)),
            ("process_start_time_seconds", {}, steady(0)),
            ("process_resident_memory_bytes", {}, steady(90e6)),
            ("process_cpu_seconds_total", {}, rising(0.3)),
            ("feishu_build_info", {"process": process, "version": "0.1.0"}, steady(1)),
            ("feishu_database_up", {}, steady(1)),
            ("feishu_database_pool", {"state": "used"}, steady(3)),
            ("feishu_database_pool", {"state": "waiting"}, steady(0)),
            ("feishu_database_figures_timestamp_seconds", {}, now),
            ("feishu_database_figures_failures_total", {"metric": "feishu_bots"}, steady(0)),
            *(_figures() if process in TELLING else ()),
        ):
            yield selector(metric, process, instance, **labels), values
        for metric, labels, rate in COUNTED.get(process, ()):
            if "/" not in metric:
                yield selector(metric, process, instance, **labels), rising(rate)
                continue
            name, _, bounds = metric.partition("/")
            for bound in (*bounds.split(), "+Inf"):
                yield selector(f"{name}_bucket", process, instance, **labels, le=bound), rising(rate)
            yield selector(f"{name}_count", process, instance, **labels), rising(rate)
            yield selector(f"{name}_sum", process, instance, **labels), rising(rate * 0.02)
    yield selector("feishu_last_beat_timestamp_seconds", "beat", "one:9105"), now
    for process, instance in PROCESSES:
        if process == "worker":
            yield selector("feishu_last_pass_timestamp_seconds", process, instance, task="events.sweep"), now
    refresh = {"task": "auth_sessions.refresh_due"}
    yield selector("feishu_last_pass_timestamp_seconds", "refresher", "one:9104", **refresh), now
    yield selector("feishu_refresh_spool_answers", "refresher", "one:9104"), steady(0)
    yield (
        selector("feishu_openapi_rate_limit", "worker", "one:9103", bot="cli_a", api="im/v1/messages"),
        steady(50),
    )


def _figures() -> Iterator[tuple[str, dict[str, str], str]]:
    """What the database knows. Every process tells it; here those of two kinds do, which is enough to be told twice."""
    for metric, labels, value in FIGURES:
        yield metric, labels, steady(value)


FIGURES: Final[tuple[tuple[str, dict[str, str], float], ...]] = (
    ("feishu_passive", {"cause": "setting"}, 0),
    ("feishu_passive", {"cause": "behind"}, 0),
    ("feishu_listener_processes", {}, 2),
    ("feishu_processes", {"kind": "worker", "state": "working"}, 2),
    ("feishu_processes", {"kind": "worker", "state": "silent"}, 0),
    ("feishu_process_last_heartbeat_age_seconds", {"kind": "worker"}, 4),
    ("feishu_roles_unfilled", {"role": "work"}, 0),
    ("feishu_bots", {"health": "connected"}, 2),
    ("feishu_bots", {"health": "error"}, 0),
    ("feishu_bots", {"health": "webhook"}, 1),
    ("feishu_connections", {"bot": "cli_a", "state": "connected"}, 2),
    ("feishu_connections", {"bot": "cli_a", "state": "backoff"}, 0),
    ("feishu_connections", {"bot": "cli_b", "state": "connected"}, 1),
    ("feishu_connection_last_frame_age_seconds", {"bot": "cli_a"}, 4),
    ("feishu_heartbeat_interval_seconds", {"bot": "cli_a"}, 120),
    ("feishu_processes", {"kind": "worker", "state": "working"}, 2),
    ("feishu_processes", {"kind": "worker", "state": "stalled"}, 0),
    ("feishu_process_last_heartbeat_age_seconds", {"kind": "worker"}, 6),
    ("feishu_roles_unfilled", {"role": "work"}, 0),
    ("feishu_incidents_open", {"cause": "no_fleet"}, 0),
    ("feishu_bots_misconfigured", {"check": "redirect_url"}, 0),
    ("feishu_events_backlog", {"status": "received"}, 2),
    ("feishu_events_backlog", {"status": "quarantined"}, 1),
    ("feishu_events_oldest_seconds", {}, 1),
    ("feishu_handler_runs_backlog", {"status": "pending"}, 3),
    ("feishu_handler_runs_overdue_seconds", {}, 1),
    ("feishu_deliveries_backlog", {"status": "retrying"}, 2),
    ("feishu_deliveries_overdue_seconds", {}, 0),
    ("feishu_dead_letters", {"kind": "handler"}, 3),
    ("feishu_dead_letters", {"kind": "delivery"}, 0),
    ("feishu_subscriptions", {"state": "active"}, 4),
    ("feishu_subscriptions", {"state": "failing"}, 0),
    ("feishu_user_tokens", {"status": "active"}, 400),
    ("feishu_user_tokens", {"status": "needs_reauth"}, 7),
    ("feishu_user_tokens_ending", {}, 0),
    ("feishu_token_uncertain", {}, 1),
    ("feishu_token_refresh_overdue", {}, 0),
    ("feishu_token_refresh_lag_seconds", {}, 0),
    ("feishu_auth_sessions_open", {}, 5),
)
_WAITS: Final = "0.25 5.0 60.0"
COUNTED: Final[dict[str, tuple[tuple[str, dict[str, str], float], ...]]] = {
    "web": (
        ("feishu_webhook_refused_total", {"bot": "other", "reason": "no_webhook_bot"}, 2),
        ("feishu_proxied_calls_total", {"bot": "cli_a", "identity": "user", "status": "2xx"}, 20),
        ("feishu_tokens_served_total", {"bot": "cli_a"}, 1),
        ("feishu_auth_sessions_total", {"bot": "cli_a", "state": "authorized"}, 0.1),
        ("feishu_auth_session_seconds/60.0 600.0", {}, 0.1),
        ("feishu_approvals_total", {"bot": "cli_a", "outcome": "covered"}, 0.1),
        ("feishu_event_ack_seconds/0.05 2.5", {"transport": "webhook"}, 10),
    ),
    "runfeishu": (
        (
            "feishu_events_received_total",
            {"bot": "cli_a", "transport": "websocket", "type": "im.message.receive_v1"},
            150,
        ),
        ("feishu_events_duplicate_total", {"bot": "cli_a"}, 0.5),
        ("feishu_events_not_stored_total", {}, 0),
        ("feishu_event_ack_seconds/0.05 2.5", {"transport": "websocket"}, 150),
        ("feishu_event_batch_size/1.0 10.0 100.0", {}, 30),
        ("feishu_shed_work_total", {"work": "live"}, 0),
        ("feishu_callback_seconds/0.25 2.5 3.0", {"bot": "cli_a"}, 5),
        ("feishu_callbacks_rescued_total", {"bot": "cli_a"}, 0.1),
        ("feishu_card_updates_total", {"outcome": "ok"}, 0.1),
        ("feishu_connection_reconnects_total", {"bot": "cli_a", "reason": "closed"}, 0.01),
        ("feishu_connection_failures_total", {"bot": "cli_a", "reason": "network"}, 0),
        ("feishu_lease_takeovers_total", {"reason": "free"}, 0),
    ),
    "worker": (
        ("feishu_handler_seconds/0.25 5.0", {"handler": "answer"}, 150),
        ("feishu_handler_attempts_total", {"handler": "answer"}, 150),
        ("feishu_handler_failures_total", {"handler": "answer", "outcome": "raised"}, 0.5),
        ("feishu_handler_dead_total", {"handler": "answer"}, 0),
        (f"feishu_event_handled_seconds/{_WAITS}", {}, 150),
        ("feishu_streamed_replies_total", {"outcome": "complete"}, 1),
        ("feishu_deliveries_total", {"outcome": "succeeded"}, 20),
        ("feishu_deliveries_total", {"outcome": "retrying"}, 0.2),
        (f"feishu_delivery_seconds/{_WAITS}", {}, 20),
        ("feishu_openapi_requests_total", {"bot": "cli_a", "api": "im/v1/messages", "code": "0"}, 100),
        ("feishu_openapi_requests_total", {"bot": "cli_a", "api": "im/v1/messages", "code": "timeout"}, 0.1),
        ("feishu_openapi_requests_total", {"bot": "cli_a", "api": "im/v1/messages", "code": "230002"}, 30),
        ("feishu_openapi_seconds/0.25 2.5", {"api": "im/v1/messages"}, 100),
        ("feishu_openapi_rate_limited_total", {"bot": "cli_a", "api": "im/v1/messages"}, 0.01),
        ("feishu_task_failures_total", {"task": "events.sweep"}, 0),
    ),
    "refresher": (
        ("feishu_token_refresh_total", {"outcome": "ok"}, 5),
        ("feishu_token_refresh_total", {"outcome": "dead_user"}, 0.01),
        ("feishu_token_refresh_failures_total", {"outcome": "dead_user", "reason": "20037"}, 0.01),
    ),
}
"""By kind of process: a counter, its labels and by how much it grows in 15 s; a histogram with ``/`` and its bounds."""
