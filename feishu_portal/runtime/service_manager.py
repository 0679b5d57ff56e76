"""Telling systemd how the process fares (``sd_notify(3)``): with Type=notify it waits until the process can work, and with
WatchdogSec= it restarts one that no longer says that it does. Elsewhere nobody listens, and nothing is sent.
"""

import logging
import os
import socket
import threading

from core.background.vitals import vitals

logger = logging.getLogger(__name__)

READY = "READY=1"
STOPPING = "STOPPING=1"
_ALIVE = "WATCHDOG=1"


def tell(state: str) -> None:
    """One datagram, which waits for nobody."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
        try:
            sender.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
        except OSError as error:
            logger.warning("service_manager_not_told", extra={"state": state, "problem": str(error)})


def watchdog_seconds() -> float | None:
    """How often systemd wants to hear of this process; None where it does not."""
    asked = os.environ.get("WATCHDOG_USEC", "")
    is_ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(asked) / 1_000_000 if is_ours and asked.isdigit() and int(asked) else None


class WatchdogReports:
    """Says that the process lives, twice as often as it has to, for as long as each of its parts makes its passes."""

    def __init__(self, seconds: float) -> None:
        self._pause = seconds / 2
        self._stopping = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._report, name="watchdog-reports", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def _report(self) -> None:
        while True:
            if not vitals.standing_still():
                tell(_ALIVE)
            if self._stopping.wait(self._pause):
                return
