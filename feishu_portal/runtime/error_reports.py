"""Errors to Sentry, for operators who have installed the extra ``feishu-portal[sentry]`` and set ``SENTRY_DSN``.

What is sent is what the log says at ERROR and above, with its traceback, as seldom and as redacted as there. None of
Sentry's integrations is on: they send requests, headers, command lines and the variables of frames, each of which may hold a
secret.
"""

import logging
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from structlog.contextvars import get_contextvars

from core import __version__
from core.vault.redaction import redact
from feishu_portal.log_thinning import Thinning

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

logger = logging.getLogger(__name__)

NOT_INSTALLED: Final = "pip install 'feishu-portal[sentry]'"
_OURS: Final = frozenset({"event_id", "sdk", "timestamp", "platform", "release", "environment"})
"""What Sentry itself says of an event, and no log line."""


def begin_error_reports(program: str) -> None:
    """Once, before the process serves or forks. ``program``: as in `begin_observing`."""
    if not settings.SENTRY_DSN:
        return
    try:
        import sentry_sdk  # noqa: PLC0415 -- an extra
        from sentry_sdk.integrations.logging import EventHandler  # noqa: PLC0415 -- an extra
    except ImportError:
        logger.warning("sentry_not_installed", extra={"install": NOT_INSTALLED})
        return
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=f"feishu-portal@{__version__}",
        environment=settings.INSTALLATION or None,
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        before_send=redacted,
    )
    sentry_sdk.set_tag("process", program)
    handler = EventHandler(level=logging.ERROR)
    # A filter of its own: one that two handlers ask would let each line through once.
    handler.addFilter(Thinning())
    logging.getLogger().addHandler(handler)


def redacted(event: "Event", _hint: "Hint") -> "Event":
    """The event without secrets, and with what the lines of the same work have in common."""
    shown: Any = {
        name: value if name in _OURS else redact(value, name=name, hides_codes=True)
        for name, value in event.items()
    }
    facts = {name: str(value)[:200] for name, value in get_contextvars().items()}
    shown["tags"] = {**facts, **(shown.get("tags") or {})}
    return shown  # type: ignore[no-any-return]
