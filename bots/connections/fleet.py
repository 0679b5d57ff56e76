"""The fleet: keeps exactly those long connections open that this process should hold.

Level-triggered. Operators change rows; every second or so the fleet renews its leases, compares what should be with
what is, and opens, closes, claims or takes over connections. What connections receive goes to the sink passed in; this
package does not know what an event is.
"""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.db import Error

from bots.connections.balance import Balance
from bots.connections.connection import BotSink, SlotConnection
from bots.connections.leases import Survey, complete_handover, release
from bots.connections.observer import SlotObserver
from bots.connections.placement import Placement
from bots.connections.processes import Peer, retire
from bots.connections.renewal import LeaseRenewal, LeasesOverslept, LeaseTerms
from bots.connections.reports import SlotReports
from bots.connections.signal_thread import SignalThread
from bots.connections.slots import SeenSlot, WantedSlot
from bots.enums import LossReason, ProcessPart
from bots.metrics import count_takeover
from core.background.spread import spread
from core.background.vitals import vitals
from core.database.outages import OutageLog
from core.database.thread import DatabaseThread
from feishu.long_connection.sleep import CHECK_EVERY, SleepWatch, counting_sleep
from feishu.long_connection.spacing import Turns
from feishu.long_connection.timing import Timing

T = TypeVar("T")

logger = logging.getLogger(__name__)

JITTER = 0.2
DRAIN_TIMEOUT = 10.0
"""Seconds that other processes get to take over when this one is to end."""
DRAIN_STEP = 0.25
HANGS_AFTER = 90.0
"""Seconds without a round: statements and the connection to the database have timeouts, which end one in far less."""
SIGNALS_TIMEOUT = 3.0
"""Seconds for receivers of signals when everything else has ended."""

clock = counting_sleep


class Fleet:
    """All long connections of this process."""

    def __init__(
        self,
        *,
        sink: BotSink,
        node: str,
        terms: LeaseTerms,
        capacity: int,
        only: frozenset[str] = frozenset(),
        timing: Timing | None = None,
        process: UUID | None = None,
    ) -> None:
        """``process``: the id under which the process's heartbeats are written, where there are some."""
        self._sink = sink
        self._timing = timing or Timing()
        self._turns = Turns()
        self._node = node
        self._terms = terms
        self._me = Peer(process or uuid4(), capacity, only=only)
        self._connections: dict[int, SlotConnection] = {}
        self._database = DatabaseThread("fleet-db", patience=terms.seconds / 2)
        self._reports = SlotReports(self._database, holder=self._me.id)
        self._renewal = LeaseRenewal(self._database, node=node, terms=terms)
        self._placement = Placement(
            self._me,
            node=node,
            terms=terms,
            database=self._database,
            reports=self._reports,
            is_connected=self._connections.__contains__,
            start=self._start,
        )
        self._signals = SignalThread()
        self._outage = OutageLog(logger, "database_unavailable")
        self._is_kept_waiting = False
        """The thread of the database did not come back. One that says that the database is away has."""
        self._has_news = asyncio.Event()
        """A connection was opened or has ended, or the fleet is to stop: do not wait for the next round."""

    async def run(self, stop: asyncio.Event) -> None:
        """Hold connections until ``stop`` is set; then let other processes take over, close the rest and release the
        slots."""
        writer = asyncio.create_task(self._reports.run(), name="slot-reports")
        waker = asyncio.create_task(self._wake_on(stop), name="fleet-stop")
        sleep_watch = asyncio.create_task(self._watch_sleep(SleepWatch()), name="fleet-sleep")
        vitals.expect(ProcessPart.CONNECTIONS, within=HANGS_AFTER)
        try:
            while not stop.is_set():
                was_trusted = self._renewal.is_trusted
                await self._round()
                if was_trusted and not self._renewal.is_trusted:
                    continue  # the machine may have slept in the middle of it: see at once what became of the leases
                await self._pause(spread(self._terms.interval, by=JITTER), stop)
            await self._drain()
        finally:
            vitals.forget(ProcessPart.CONNECTIONS)
            await self._close()
            for task in (waker, sleep_watch):
                task.cancel()
            await asyncio.gather(waker, sleep_watch, return_exceptions=True)
            self._reports.stop()
            await writer
            await self._database.close()
            await asyncio.to_thread(self._signals.close, seconds=SIGNALS_TIMEOUT)

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._has_news.set()

    async def _watch_sleep(self, watch: SleepWatch) -> None:
        """The sockets of a machine that slept are dead, whatever the kernel thinks of them: replace them at once."""
        while True:
            await asyncio.sleep(CHECK_EVERY)
            if slept := watch.slept():
                logger.warning("machine_slept", extra={"seconds": round(slept)})
                for connection in self._connections.values():
                    connection.renew(f"the machine slept for {slept:.0f} s")

    async def _pause(self, seconds: float, stop: asyncio.Event | None = None) -> None:
        """Wait for the next round; what connections report meanwhile is settled at once."""
        until = clock() + seconds
        while (left := until - clock()) > 0 and not (stop and stop.is_set()):
            try:
                async with asyncio.timeout(left):
                    await self._has_news.wait()
            except TimeoutError:
                return
            self._has_news.clear()
            await self._guarded(self._settle())

    # --- one round

    async def _round(self) -> Survey | None:
        """None when the database did not answer. Nothing ends the fleet: the next round may do better."""
        survey = await self._guarded(self._reconcile())
        if not self._is_kept_waiting:
            vitals.passed(ProcessPart.CONNECTIONS)
        return survey

    async def _guarded(self, work: Coroutine[Any, Any, T]) -> T | None:
        self._is_kept_waiting = False
        try:
            return await work
        except LeasesOverslept:
            self._renewal.note_trouble()
            logger.warning("leases_overslept", extra={"connections": len(self._connections)})
            self._end_all(LossReason.SLEPT)
        except (Error, TimeoutError) as error:
            self._is_kept_waiting = isinstance(error, TimeoutError)
            self._renewal.note_trouble()
            self._outage.failed(error)
        except Exception:
            self._renewal.note_trouble()
            logger.exception("fleet_round_failed")
        return None

    async def _reconcile(self) -> Survey:
        await self._settle()
        survey, had_run_out = await self._renewal.renew(
            self._me, is_taking_over=any(not one.held for one in self._connections.values())
        )
        self._outage.over()
        if had_run_out:
            for connection in self._connections.values():
                if connection.held:
                    connection.observer.restate()
        if not self._renewal.is_trusted:
            return survey  # out of date: the machine slept while the answer was on its way
        if survey.is_passive:
            self._end_all(LossReason.ASKED)
            return survey
        self._follow(survey)
        if not self._me.draining:
            await self._placement.take(Balance(self._me, survey), patient=self._renewal.is_patient)
        return survey

    async def _settle(self) -> None:
        """Release what is closed, and become the holder of slots whose handover succeeded."""
        closed = [connection for connection in self._connections.values() if connection.closed]
        gone = [connection.wanted.slot_id for connection in closed if connection.replacement is None]
        if gone:
            await self._database.run(release, gone, process=self._me.id)
        for connection in closed:
            del self._connections[connection.wanted.slot_id]
            if connection.replacement is not None:
                self._start(connection.replacement, held=connection.held)
        for connection in list(self._connections.values()):
            if not connection.held and not connection.ending and connection.observer.receiving:
                await self._complete_handover(connection)

    async def _complete_handover(self, connection: SlotConnection) -> None:
        slot_id = connection.wanted.slot_id
        is_holder = await self._database.run(
            complete_handover,
            slot_id,
            successor=self._me.id,
            name=self._node,
            seconds=self._terms.seconds,
        )
        if not is_holder:
            connection.end(LossReason.MOVED)
            return
        connection.held = connection.observer.held = True
        count_takeover("moved")
        connection.observer.restate()
        logger.info("slot_taken_over", extra={"app_id": connection.wanted.app_id, "slot": slot_id})

    def _follow(self, survey: Survey) -> None:
        """End connections that are no longer this process's or no longer right, open those that are missing."""
        seen = {slot.slot_id: slot for slot in survey.slots}
        for slot_id, connection in self._connections.items():
            slot = seen.get(slot_id)
            if slot is None:
                connection.end(LossReason.ASKED)
            elif not self._owns(connection, slot):
                connection.end(LossReason.MOVED)
            elif connection.is_stuck:
                self._placement.postpone(slot_id)
                connection.end(LossReason.MOVED)
            elif connection.dead:
                connection.end(LossReason.ERROR, replacement=slot.wanted)
            elif connection.wanted != slot.wanted:
                connection.end(connection.wanted.reason_for(slot.wanted), replacement=slot.wanted)
        for slot in survey.slots:
            if slot.holder == self._me.id and slot.slot_id not in self._connections:
                self._start(slot.wanted, held=True)

    def _owns(self, connection: SlotConnection, slot: SeenSlot) -> bool:
        return (slot.holder if connection.held else slot.successor) == self._me.id

    # --- beginning and end

    def _start(self, wanted: WantedSlot, *, held: bool) -> None:
        observer = SlotObserver(
            wanted,
            held=held,
            node=self._node,
            reports=self._reports,
            signal_thread=self._signals,
            on_received=self._has_news.set,
        )
        self._connections[wanted.slot_id] = SlotConnection(
            wanted,
            held=held,
            observer=observer,
            sink=self._sink,
            database=self._database,
            turns=self._turns,
            timing=self._timing,
            on_closed=self._has_news.set,
        )

    def _end_all(self, cause: LossReason) -> None:
        for connection in self._connections.values():
            connection.end(cause)

    async def _drain(self) -> None:
        """Take nothing more and let other processes, if there are any, connect before the sockets here are closed."""
        self._me = replace(self._me, draining=True)
        until = clock() + DRAIN_TIMEOUT
        while clock() < until:
            for connection in self._connections.values():
                if not (connection.held and connection.observer.receiving):
                    connection.end(LossReason.ENDED)
            survey = await self._round()
            if survey is None or not Balance(self._me, survey).successors_exist():
                return
            await self._pause(DRAIN_STEP)

    async def _close(self) -> None:
        """Sockets first, rows after them: what is released may be connected elsewhere at once."""
        self._end_all(LossReason.ENDED)
        await asyncio.gather(*(connection.ended() for connection in self._connections.values()))
        for connection in self._connections.values():
            connection.replacement = None
        await self._guarded(self._leave())

    async def _leave(self) -> None:
        await self._settle()
        await self._database.run(retire, self._me.id)
