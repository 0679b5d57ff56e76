"""What happens on one connection, turned into column values, losses, signals and log lines."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from bots import metrics
from bots.connections import signals
from bots.connections.advice import words_of_platform
from bots.connections.heartbeats import NO_HEARTBEATS, Rhythm, heartbeat_due_at
from bots.connections.reports import SlotReports
from bots.connections.signal_thread import SignalThread
from bots.connections.slots import WantedSlot
from bots.enums import PLANNED_LOSSES, LossReason, SlotState
from bots.models import Bot, ConnectionLoss
from core.database.text import storable
from feishu.errors import FeishuError
from feishu.long_connection.ending import ConnectionEnding, EndKind
from feishu.long_connection.messages import Message
from feishu.reasons import Reason

logger = logging.getLogger(__name__)

FRAME_STEP = 5.0  # seconds between writes of last_frame_at, which changes with every frame
_REASONS: Final = {
    EndKind.GIVEN_UP: LossReason.SLEPT,
    EndKind.SILENT: LossReason.SILENT,
    EndKind.CLOSED: LossReason.CLOSED,
    EndKind.NETWORK: LossReason.NETWORK,
    EndKind.ERROR: LossReason.ERROR,
}
_OUR_OWN: Final = frozenset({Reason.DATABASE, Reason.SEALED, Reason.INTERNAL})


class SlotObserver:
    """Follows one connection (``feishu.long_connection.observer.Observer``).

    ``on_received`` is called when something comes for the first time through an open socket.
    """

    def __init__(
        self,
        wanted: WantedSlot,
        *,
        held: bool,
        node: str,
        reports: SlotReports,
        signal_thread: SignalThread,
        on_received: Callable[[], None],
    ) -> None:
        self.receiving = False
        """The socket is open and something came through it."""
        self.has_failed = False
        """An attempt to connect did not succeed."""
        self.held = held
        """The process holds the slot. A connection that only tries to take it over has nothing to lose."""
        self.cause = LossReason.ENDED
        """Why the connection ends, if it is ended here."""
        self._wanted = wanted
        self._label = metrics.name_bot(wanted.bot_id, wanted.app_id)
        self.node = node
        self._reports = reports
        self._on_received = on_received
        self._signals = signal_thread
        self._info = signals.ConnectionInfo(wanted.bot_id, wanted.app_id, wanted.number, node)
        self._log = {"app_id": wanted.app_id, "connection": wanted.number, "node": node}
        self._known: dict[str, Any] = {}
        self._rhythm = Rhythm()
        self._has_tried = False
        self._connected_at: datetime | None = None
        self._down_since: datetime | None = None
        self._frame_due = float("-inf")
        self._failures: set[tuple[LossReason, int | None]] = set()
        self._reconnects = 0

    def connecting(self) -> None:
        self._state(SlotState.CONNECTING, node=self.node, next_attempt_at=None)
        self._send(signals.reconnecting if self._has_tried else signals.connecting)
        self._has_tried = True

    def connected(self, device_id: str) -> None:
        self._connected_at = now = timezone.now()
        self._down_since = None
        self._failures.clear()
        self._rhythm = Rhythm()
        self._state(
            SlotState.CONNECTED,
            connected_at=now,
            down_since=None,
            last_frame_at=now,
            error_code=None,
            error_reason="",
            error_message="",
            error_at=None,
            **NO_HEARTBEATS | {"heartbeat_due_at": heartbeat_due_at(now)},
        )
        self._send(signals.connected, device_id=device_id)
        logger.info("connection_up", extra=self._log | {"device_id": device_id})

    def disconnected(self, ending: ConnectionEnding) -> None:
        self.receiving = False
        reason = self.cause if ending.kind is EndKind.STOPPED else _REASONS[ending.kind]
        if ending.kind is EndKind.STOPPED:
            self._state(SlotState.STOPPED, connected_at=None, down_since=self._down())
            logger.info("connection_closed", extra=self._log | {"reason": reason.value})
        else:
            self._reconnects += 1
            metrics.count_reconnect(self._label, reason.value)
            self._state(
                SlotState.BACKOFF, connected_at=None, down_since=self._down(), reconnects=self._reconnects
            )
            logger.warning("connection_lost", extra=self._log | {"reason": str(ending)})
        lasted = (timezone.now() - self._connected_at).total_seconds() if self._connected_at else None
        message = "" if reason in PLANNED_LOSSES else ending.message
        self._lost(reason, code=ending.code, message=message, lasted=lasted)
        self._send(
            signals.disconnected, reason=reason, code=ending.code, message=ending.message, lasted=lasted
        )

    def failed(self, error: FeishuError, *, attempt: int, fatal: bool, retry_in: float) -> None:
        self.has_failed = True
        self._state(
            SlotState.ERROR if fatal else SlotState.BACKOFF,
            connected_at=None,
            down_since=self._down(),
            error_code=error.code,
            error_reason=error.reason or Reason.INTERNAL if error.code is None else "",
            error_message=storable(words_of_platform(error), 500),
            error_at=timezone.now(),
        )
        reason = _reason_of(error)
        metrics.count_connection_failure(self._label, reason.value)
        if (reason, error.code) not in self._failures:
            # Once in an outage: a bot that is refused every minute must not fill the history with it.
            self._failures.add((reason, error.code))
            self._lost(reason, code=error.code, message=str(error), lasted=None)
        self._send(signals.error, error=error, attempt=attempt, fatal=fatal, retry_in=retry_in)
        logger.warning(
            "connection_failed",
            extra=self._log
            | {
                "error": str(error),
                "attempt": attempt,
                "retry_in": round(retry_in, 1),
            },
        )

    def waiting(self, seconds: float) -> None:
        self._report(next_attempt_at=timezone.now() + timedelta(seconds=seconds))

    def frame(self, message: Message) -> None:
        self._note_received()
        if message.received_at >= self._frame_due:
            self._frame_due = message.received_at + FRAME_STEP
            now = timezone.now()
            self._report(last_frame_at=now, last_message_at=now)
        if signals.frame.has_listeners(Bot):
            self._send(
                signals.frame,
                message_id=message.message_id,
                trace_id=message.trace_id,
                kind=message.kind,
                size=len(message.payload),
            )

    def heartbeat(self, interval: float | None, *, expected: float) -> None:
        self._note_received()
        now = timezone.now()
        figures = self._rhythm.beat(interval)
        due_at = heartbeat_due_at(now, expected=expected)
        self._report(last_heartbeat_at=now, heartbeat_due_at=due_at, last_frame_at=now, **figures)
        self._send(
            signals.heartbeat,
            interval=interval,
            count=figures["heartbeats"],
            average=figures["heartbeat_average"],
            deviation=figures["heartbeat_deviation"],
        )

    def restate(self) -> None:
        """Report everything again: what was reported so far may not have reached the row."""
        self._reports.add(self._wanted.slot_id, **self._known)

    def _down(self) -> datetime:
        """Since when the connection has been away; from now on, if it has not been so far."""
        self._down_since = self._down_since or timezone.now()
        return self._down_since

    def _lost(self, reason: LossReason, *, code: int | None, message: str, lasted: float | None) -> None:
        if not self.held:
            return
        self._reports.lost(
            ConnectionLoss(
                bot_id=self._wanted.bot_id,
                number=self._wanted.number,
                node=self.node,
                at=timezone.now(),
                reason=reason,
                code=code,
                message=storable(message, 500),
                lasted=lasted,
            )
        )

    def _note_received(self) -> None:
        if not self.receiving:
            self.receiving = True
            self._on_received()

    def _state(self, state: SlotState, **values: Any) -> None:
        self._report(state=state, state_changed_at=timezone.now(), **values)

    def _report(self, **values: Any) -> None:
        self._known |= values
        self._reports.add(self._wanted.slot_id, **values)

    def _send(self, signal: signals.ConnectionSignal, **facts: Any) -> None:
        self._signals.send(signal, self._info, **facts)


def _reason_of(error: FeishuError) -> LossReason:
    """Which kind of loss a failed attempt is."""
    if error.code is not None or error.http_status is not None:
        return LossReason.REFUSED
    return LossReason.ERROR if error.reason in _OUR_OWN else LossReason.NETWORK
