"""Logging: one line an event, fields beside it, secrets replaced by key and by value before anything is written."""

import logging
import logging.config
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

REDACTED = "[redacted]"

_SECRET_KEY = re.compile(
    r"(secret|password|passwd|authorization|cookie|access_key|ticket|verifier|"
    r"(^|_)(token|code)$|refresh_token|access_token|encrypt_key|api_key)",
    re.IGNORECASE,
)
# Codes of answers are numbers an operator needs; codes of grants are strings.
_SECRET_VALUES = (
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"),
    re.compile(r"\b(?:fp_[A-Za-z0-9]{6,}_|[tu]r?-)[A-Za-z0-9_\-.]{12,}"),
    re.compile(r"(?i)(?<=[?&])(?:access_key|ticket|code|state|token)=[^&\s\"']+"),
    re.compile(r"(?<=/oauth/start/)[\w-]{16,}"),
    re.compile(r"(?i)(?<=bearer )[\w\-.=]{8,}"),
)


def redact_text(text: str) -> str:
    """``text`` without anything that looks like a token, a ticket or a one-time code."""
    for pattern in _SECRET_VALUES:
        text = pattern.sub(REDACTED, text)
    return text


def _redact(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {inner: _redact(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redact(key, item) for item in value]
    # Other objects are written as text anyway, e.g. the request that Django logs, whose text holds its whole address.
    text = str(value)
    return REDACTED if text and _SECRET_KEY.search(key) else redact_text(text)


def drop_colours(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Uvicorn says everything twice, the second time for a terminal."""
    event.pop("color_message", None)
    return event


def redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: no secret leaves, whoever logged it."""
    for key, value in list(event.items()):
        if key not in {"_record", "_from_structlog"}:
            event[key] = _redact(key, value)
    return event


def logging_config(*, level: str, as_json: bool) -> None:
    """Set up stdlib logging and structlog to write the same lines to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "portal": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,
                        drop_colours,
                        redact_event,
                        renderer,
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "portal"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                # An access line repeats the path, and the path of the start link is a secret.
                "uvicorn.access": {"level": "WARNING"},
                "httpx": {"level": "WARNING"},
                "httpcore": {"level": "WARNING"},
                "websockets": {"level": "WARNING"},
                "celery.beat": {"level": "WARNING"},
                "celery.app.trace": {"level": "WARNING"},
                "celery.worker.strategy": {"level": "WARNING"},
            },
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
