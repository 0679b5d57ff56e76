"""The page of metrics is made of the registry, and the names that others rely on are in it."""

import re

from core.metrics.registry import DECLARATIONS
from feishu_portal.reference.metrics_page import documents

PROMISED = {
    "connections": "bot state",
    "connection_last_frame_age_seconds": "bot",
    "connection_reconnects_total": "bot reason",
    "heartbeat_interval_seconds": "bot",
    "events_received_total": "bot transport type",
    "events_duplicate_total": "bot",
    "event_ack_seconds": "transport",
    "events_backlog": "status",
    "handler_seconds": "handler",
    "handler_failures_total": "handler outcome",
    "callback_seconds": "bot",
    "callbacks_rescued_total": "bot",
    "auth_sessions_total": "bot state",
    "auth_session_seconds": "",
    "user_tokens": "status",
    "token_refresh_total": "outcome",
    "token_refresh_lag_seconds": "",
    "token_uncertain": "",
    "openapi_requests_total": "bot api code",
    "openapi_seconds": "api",
    "deliveries_total": "outcome",
    "lease_takeovers_total": "reason",
}
"""Names and labels do not change without an entry in the changelog: dashboards and alerts are written with them."""


def test_pages_are_current() -> None:
    outdated = [path.name for path, content in documents().items() if path.read_text() != content]
    assert outdated == [], "run make docs"


def test_names_that_dashboards_are_written_with_are_there() -> None:
    documents()
    labels = {name: " ".join(declaration.labels) for name, declaration in DECLARATIONS.items()}
    assert {f"feishu_{name}": known for name, known in PROMISED.items()}.items() <= labels.items()


def test_each_metric_is_named_and_explained_as_prometheus_advises() -> None:
    documents()
    for name, declaration in DECLARATIONS.items():
        assert re.fullmatch(r"feishu_[a-z_]+", name)
        assert name.endswith("_total") == (declaration.kind == "counter"), name
        assert declaration.help.en_us.endswith("."), name
        assert declaration.help.zh_cn.endswith("。"), name
