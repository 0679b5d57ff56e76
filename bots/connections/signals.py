"""What happens to long connections, as Django signals, sent in the process that holds them (``runfeishu``).

Every receiver gets ``connection`` (a ``ConnectionInfo``), ``at`` (an aware datetime) and what is said of each signal
below. Receivers run one after the other on a thread of their own (``bots.connections.signal_thread``), a moment after the fact:
whatever they do, the connection goes on. When a planned move changes the process, the new connection is ``connected``
before the old one is ``disconnected`` with the reason ``moved``.
"""

import logging
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.dispatch import Signal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """Which connection: of which bot, its number there, and the process that holds it."""

    bot_id: UUID
    app_id: str
    number: int
    node: str


class ConnectionSignal(Signal):
    """A signal whose receivers may fail: that is logged once for each receiver and kind of error."""

    def __init__(self) -> None:
        super().__init__(use_caching=True)
        self._known_failures: set[tuple[str, str]] = set()

    def _log_robust_failure(self, receiver: Any, error: Exception) -> None:
        """In place of Django's own, which would write a traceback for every frame."""
        name = f"{receiver.__module__}.{getattr(receiver, '__qualname__', type(receiver).__qualname__)}"
        failure = (name, type(error).__name__)
        if failure not in self._known_failures:
            self._known_failures.add(failure)
            logger.error("signal_receiver_failed", exc_info=error, extra={"receiver": name})


connecting: Final = ConnectionSignal()
"""The first attempt of this process begins."""
reconnecting: Final = ConnectionSignal()
"""Another attempt begins, after a loss or a failure."""
connected: Final = ConnectionSignal()
"""The socket is open. ``device_id``: the platform's name for the connection."""
disconnected: Final = ConnectionSignal()
"""An open socket is closed. ``reason``: a ``bots.enums.LossReason``; ``code``, ``message``; ``lasted``: seconds."""
error: Final = ConnectionSignal()
"""An attempt failed. ``error``: the ``feishu.errors.FeishuError``; ``attempt``: its number in a row; ``fatal``: a
person should look; ``retry_in``: seconds."""
heartbeat: Final = ConnectionSignal()
"""The platform answered a ping. ``interval``: seconds since the last answer, or None; ``count``, ``average`` and
``deviation`` of this connection."""
frame: Final = ConnectionSignal()
"""A complete message came. ``message_id``, ``trace_id``, ``kind`` (event or card), ``size`` in bytes. What is in it is
the business of event handlers."""
