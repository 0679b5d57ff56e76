"""Logging by structlog: one line an event, fields beside it, secrets taken out before anything is written."""

import logging
import logging.config
import sys
import threading
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

from core.vault.redaction import redact
from feishu_portal.log_thinning import Thinning, shorten

logger = logging.getLogger(__name__)


def drop_repetitions(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Uvicorn adds every message a second time, for a terminal; Celery what a failed task's message was made of."""
    event.pop("color_message", None)
    if event.get("logger") == "celery.app.trace":
        event.pop("data", None)
    return event


def redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """No secret is written, whichever logger it came from."""
    event.update({key: redact(value, name=key, hides_codes=True) for key, value in event.items()})
    return event


def _at_least(level: str, floor: str) -> str:
    levels = logging.getLevelNamesMapping()
    return max(level, floor, key=levels.__getitem__)


def log_uncaught() -> None:
    """For a process that serves: what ends it, or a thread of it, is logged. A command shows its traceback to its user."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _log_end_of_process
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _log_end_of_thread


def _log_end_of_process(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """In the place of Python's traceback on standard error, which no redaction sees."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        logger.critical("process_failed", exc_info=(kind, error, traceback))


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
        name = ended.thread.name if ended.thread else ""
        logger.error(
            "thread_failed",
            exc_info=(ended.exc_type, ended.exc_value, ended.exc_traceback),
            extra={"in_thread": name},
        )


class Raised(logging.Filter):
    """Lets through what says which exception was raised."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info)


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def formatter(*, as_json: bool) -> logging.Formatter:
    """Renders a record of any logger as one line, without its secrets."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            shorten,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            drop_repetitions,
            redact_event,
            renderer,
        ],
    )


def logging_config(*, level: str, as_json: bool) -> None:
    """Set up stdlib logging and structlog to write the same lines to standard error."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"portal": {"()": formatter, "as_json": as_json}},
            "filters": {"thinning": {"()": Thinning}, "raised": {"()": Raised}},
            "handlers": {
                "stderr": {
                    "class": "logging.StreamHandler",
                    "formatter": "portal",
                    "filters": ["thinning"],
                }
            },
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                # Where an operator starts uvicorn, it has set up handlers of its own, which are taken away here. At DEBUG
                # it logs what goes through sockets, cookies included.
                "uvicorn": {"handlers": [], "propagate": True, "level": _at_least(level, "INFO")},
                "uvicorn.error": {"handlers": [], "propagate": True, "level": "NOTSET"},
                # Its access lines repeat paths, and the path of the start link is a secret: the portal writes its own.
                "uvicorn.access": {"handlers": [], "propagate": False, "level": "WARNING"},
                # The portal's own access line has the status of every answer; these repeat paths.
                "django.request": {"filters": ["raised"]},
                "httpx2": {"level": "WARNING"},
                "httpcore2": {"level": "WARNING"},
                # Of lark-oapi.
                "httpx": {"level": "WARNING"},
                "httpcore": {"level": "WARNING"},
                # Some lines for each request.
                "mcp": {"level": "WARNING"},
                "websockets": {"level": "WARNING"},
                "celery.beat": {"level": "WARNING"},
                "celery.app.trace": {"level": "WARNING"},
                "celery.worker.strategy": {"level": "WARNING"},
            },
        }
    )
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
