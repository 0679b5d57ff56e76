"""Outages in the log: a line a minute of each trouble, without tracebacks; everything else as it was said."""

import io
import json
import logging
import sys

import kombu.exceptions
import psycopg
import pytest
import redis.exceptions
from django.db import IntegrityError, OperationalError

from core.log_pace import THINNED, LogPace
from feishu_portal import log_thinning
from feishu_portal.log_thinning import Thinning
from feishu_portal.logs import formatter


class Log:
    """A logger with a handler like the portal's, whose clock stands at ``now``."""

    def __init__(self) -> None:
        self.now = 0.0
        self._stream = io.StringIO()
        handler = logging.StreamHandler(self._stream)
        handler.setFormatter(formatter(as_json=True))
        thinning = Thinning()
        thinning._pace = LogPace(clock=lambda: self.now)
        handler.addFilter(thinning)
        self.logger = logging.Logger("a.library")  # noqa: LOG001 -- of one test, and no child of the root
        self.logger.addHandler(handler)

    def fail(self, error: Exception, message: str, *arguments: str) -> None:
        try:
            raise error
        except type(error):
            self.logger.exception(message, *arguments)

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]


@pytest.fixture
def log() -> Log:
    return Log()


def lost_connection() -> OperationalError:
    error = OperationalError("connection refused\nIs the server running?")
    error.__cause__ = psycopg.OperationalError("connection refused")
    return error


OUTAGES = {
    "database": lost_connection(),
    "driver": psycopg.OperationalError("the connection is lost"),
    "redis": redis.exceptions.ConnectionError("Error 111 connecting"),
    "slow redis": redis.exceptions.TimeoutError("Timeout reading from socket"),
    "broker": kombu.exceptions.OperationalError("Error 111 connecting"),
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_outage_that_a_library_logs_with_its_traceback_is_a_short_line_a_minute(log, outage):
    for _attempt in range(50):
        log.fail(OUTAGES[outage], "Task %s failed", "x")
    log.now = 60.0
    log.logger.error("Task %s failed", "y", exc_info=OUTAGES[outage])
    first, second = log.lines
    assert (first["event"], second["event"]) == ("Task x failed", "Task y failed")
    assert (first["error"], first["problem"]) == (
        type(OUTAGES[outage]).__name__,
        str(OUTAGES[outage]).partition("\n")[0],
    )
    assert "exception" not in first
    assert "left_out" not in first
    assert second["left_out"] == 49


def test_outage_within_the_text_of_a_message_loses_the_stack_that_comes_along(log):
    for _attempt in range(3):
        log.logger.error("Message Error: %s\n%s", OUTAGES["redis"], ["a long", "stack"])
    [line] = log.lines
    assert line["event"] == "Message Error: Error 111 connecting"


def test_lines_that_are_marked_are_told_apart_by_event_and_kind_of_error(log):
    for event, error in (("a", "E"), ("a", "E"), ("a", "F"), ("b", "E")):
        log.logger.warning(event, extra={"error": error} | THINNED)
    assert [(line["event"], line["error"]) for line in log.lines] == [("a", "E"), ("a", "F"), ("b", "E")]
    assert not any("thinned" in line for line in log.lines)


def test_error_that_was_raised_while_an_outage_was_handled_is_one(log):
    for _attempt in range(3):
        error = RuntimeError("Couldn't apply scheduled task")
        error.__context__ = OUTAGES["redis"]
        log.fail(error, "Message Error")
    [line] = log.lines
    assert (line["event"], line["error"]) == ("Message Error", "RuntimeError")


def test_fault_that_an_outage_brought_out_is_a_line_a_minute_with_its_traceback(log):
    for _attempt in range(3):
        error = AttributeError("'NoneType' object has no attribute 'hostname'")
        error.__context__ = OUTAGES["redis"]
        log.fail(error, "Unrecoverable error")
    [line] = log.lines
    assert line["event"] == "Unrecoverable error"
    assert "Traceback" in str(line["exception"])


@pytest.mark.parametrize(
    "error",
    [
        ValueError("of our own"),
        IntegrityError("duplicate key"),
        psycopg.errors.UndefinedTable("no such table"),
        ConnectionError("of the platform"),
    ],
)
def test_everything_else_is_said_each_time_with_its_traceback(log, error):
    for _attempt in range(3):
        log.fail(error, "failed")
    assert ["Traceback" in str(line["exception"]) for line in log.lines] == [True] * 3


def test_errors_that_cause_each_other_are_followed_once():
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    record = logging.LogRecord("x", logging.ERROR, "", 0, "x", (), (ValueError, first, sys.exc_info()[2]))
    assert log_thinning.outage_of(record) is None


def test_a_collector_of_traces_that_is_away_is_a_line_a_minute(log):
    log.logger.name = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    for _ in range(3):
        log.logger.error("Failed to export span batch code: %s", 503)
    log.now = 61.0
    log.logger.error("Failed to export span batch code: %s", 503)
    assert [line.get("left_out") for line in log.lines] == [None, 2]
