"""The heartbeat of a process: every few seconds, on a thread of its own, the process says how its parts fare, and in turn with
the others whether something is done by nobody.

So no part of the installation has to live for people to be told that another one does not: whichever process is left says so,
and sends the notices itself. A database that is away ends nothing here; nobody can be told of anything then.
"""

import logging
import threading
import time
from typing import Final

from django.db import Error, connection

from bots.incidents.fleet import tell_people, watch_fleet
from bots.processes.heartbeats import ThisProcess, begin_watch, forget_gone, note_end, note_heartbeat
from core.background.vitals import vitals
from core.database.connections import close_own, give_back, limit_waiting
from core.database.outages import OutageLog
from core.installation import state
from core.log_pace import THINNED

logger = logging.getLogger(__name__)

EVERY: Final = 10.0
"""Seconds."""
PATIENCE: Final = 5.0
"""Seconds for a statement."""
STOP_SECONDS: Final = 3.0
"""What the note of an orderly end may take."""


class Pulse:
    """Beats from ``start`` until ``stop``. ``has_children``: the process forks. A connection to PostgreSQL that a child inherits
    stays its parent's, for psycopg ends it only in the process that opened it; a file of SQLite must not be open meanwhile."""

    def __init__(self, me: ThisProcess, *, has_children: bool = False) -> None:
        self._me = me
        self._has_children = has_children
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._outage = OutageLog(logger, "heartbeat_not_written")
        self._watching_since: float | None = None
        self._beat_at = float("-inf")
        self._stalled: list[str] = []
        self._telling = threading.Lock()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Say that the process ends, and wait for that a moment."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        limit_waiting(PATIENCE)
        while not self._stopping.is_set():
            self.beat()
            give_back(before_waiting=self._has_children and connection.vendor == "sqlite")
            self._stopping.wait(EVERY)
        try:
            note_end(self._me.id)
        except Error as error:
            logger.debug("end_not_noted", exc_info=error)
        finally:
            close_own()

    def beat(self) -> None:
        """One heartbeat, and what may follow from those of the others. Raises nothing."""
        stalled = vitals.standing_still()
        self._say(stalled)
        now, before = time.monotonic(), self._beat_at
        self._beat_at = now
        try:
            note_heartbeat(self._me, stalled=stalled, seconds_since_pass=vitals.seconds_since_pass())
            if self._outage.over() or now - before > 3 * EVERY:
                self._watching_since = now  # those who could not be heard of have to be given time
            if begin_watch(self._me):
                self._watch(now - (self._watching_since or now))
        except Error as error:
            self._outage.failed(error)
            close_own()
        except Exception:
            logger.exception("heartbeat_failed", extra=THINNED)

    def _watch(self, seconds: float) -> None:
        forget_gone()
        if state.judge().is_passive:
            return
        people = watch_fleet(watched_seconds=seconds)
        if people and self._telling.acquire(blocking=False):
            threading.Thread(target=self._tell, args=(people,), name="fleet-notices", daemon=True).start()

    def _tell(self, people: list[tuple[int, str]]) -> None:
        """Beside the heartbeat: a server of mail may take its time."""
        try:
            tell_people(people)
        except Exception:
            logger.exception("fleet_notices_failed")
        finally:
            close_own()
            self._telling.release()

    def _say(self, stalled: list[str]) -> None:
        if stalled == self._stalled:
            return
        self._stalled = stalled
        if stalled:
            logger.error("process_stands_still", extra={"parts": stalled, "cure": "Restart the process"})
        else:
            logger.warning("process_goes_on")
