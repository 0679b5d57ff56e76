"""What Sentry gets: what the log says at ERROR and above, without secrets."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk

from core.log_context import log_context
from feishu_portal.runtime.error_reports import begin_error_reports
from tests.events.handler_runs import until
from tests.services.collector import Collector, collecting

SECRET = "t-0123456789abcdefghijklmnop"
logger = logging.getLogger("feishu_portal.under_test")


@pytest.fixture
def sentry(settings) -> Iterator[Collector]:
    """A Sentry on loopback."""
    handlers = logging.getLogger().handlers[:]
    with collecting() as collector:
        settings.SENTRY_DSN = f"http://key@{collector.address}/1"
        yield collector
        sentry_sdk.get_client().close(timeout=5)
        sentry_sdk.get_global_scope().set_client(None)
    for handler in logging.getLogger().handlers[:]:
        if handler not in handlers:
            logging.getLogger().removeHandler(handler)


def fail(message: str) -> None:
    raise ValueError(message)


def event_at(sentry: Collector) -> dict[str, Any]:
    """The one that arrived."""

    def events() -> list[bytes]:
        return [body for _, body in sentry.posted if b'"type":"event"' in body.split(b"\n")[1]]

    until(events, "event that arrived")
    [body] = events()
    return json.loads(body.split(b"\n")[2])


def test_an_error_is_reported_with_its_traceback_and_its_context(sentry):
    begin_error_reports("worker")
    with log_context(app_id="cli_1", event_id="ev_1"):
        try:
            fail("broken")
        except ValueError:
            logger.exception("handler_failed", extra={"handler": "greet"})
    event = event_at(sentry)
    assert event["logger"] == logger.name
    assert event["exception"]["values"][0]["type"] == "ValueError"
    assert event["tags"]["app_id"] == "cli_1"
    assert event["tags"]["process"] == "worker"
    assert event["extra"]["handler"] == "greet"


def test_no_secret_is_reported_neither_in_words_nor_in_variables(sentry):
    begin_error_reports("web")
    local = SECRET
    try:
        fail(f"refused: Authorization: Bearer {local}")
    except ValueError:
        logger.exception(
            "call_failed", extra={"access_token": SECRET, "url": f"https://portal.test/?code={SECRET}"}
        )
    event_at(sentry)
    assert all(SECRET.encode() not in body for _, body in sentry.posted)


def test_what_is_less_than_an_error_is_not_reported(sentry):
    begin_error_reports("web")
    logger.warning("late")
    logger.error("failed")
    assert event_at(sentry)["logentry"]["message"] == "failed"


def test_without_a_dsn_sentry_is_not_asked(settings):
    settings.SENTRY_DSN = ""
    begin_error_reports("web")
    assert not sentry_sdk.get_client().is_active()


def test_where_the_extra_is_missing_one_line_says_what_to_install(settings, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    settings.SENTRY_DSN = "http://key@127.0.0.1:9/1"
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    begin_error_reports("web")
    [line] = caplog.records
    assert line.getMessage() == "sentry_not_installed"
    assert "feishu-portal[sentry]" in line.install
