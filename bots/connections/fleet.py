"""The fleet: keeps exactly those long connections up that this process should hold.

Level-triggered. Operators change rows; every second or so the fleet renews its leases, compares what should be with
what is, and starts, ends, claims or takes over connections. What connections hear goes to the sink passed in; this
package does not know what an event is.
"""

import asyncio
import logging
import random
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import uuid4

from django.db import Error
from django.utils import timezone

from bots.connections.balance import Balance, Wish
from bots.connections.connection import BotSink, SlotConnection
from bots.connections.leases import (
    Survey,
    bid,
    claim,
    let_go,
    mark_homeless,
    renew,
    succeed,
    tidy,
)
from bots.connections.observer import SlotObserver
from bots.connections.processes import Peer, retire
from bots.connections.reports import SlotReports
from bots.connections.signal_thread import SignalThread
from bots.connections.slots import SeenSlot, WantedSlot
from bots.enums import LossReason
from bots.models import ConnectionLoss
from core.database.thread import DatabaseThread
from feishu.long_connection.pace import Turns
from feishu.long_connection.sleep import CHECK_EVERY, SleepWatch, counting_sleep
from feishu.long_connection.timing import Timing

T = TypeVar("T")

logger = logging.getLogger("bots.connections.fleet")

JITTER = 0.2
PROOF_TIMEOUT = 1.0
"""Seconds a process that has overslept its leases keeps its sockets without proof that it holds them."""
DRAIN_TIMEOUT = 10.0
"""Seconds that others get to take over when the process is to end."""
DRAIN_STEP = 0.25
SIGNALS_TIMEOUT = 3.0
"""Seconds for receivers of signals when everything else has ended."""

clock = counting_sleep


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """``seconds`` a lease lasts by the database's clock, renewed every ``interval`` seconds or so."""

    seconds: float
    interval: float

    @property
    def trusted(self) -> float:
        """Seconds after asking for a lease for which its holder relies on it, by its own clock."""
        return self.seconds * 5 / 6


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
    ) -> None:
        self._sink = sink
        self._timing = timing or Timing()
        self._turns = Turns()
        self._node = node
        self._terms = terms
        self._me = Peer(uuid4(), capacity, only=only)
        self._connections: dict[int, SlotConnection] = {}
        self._database = DatabaseThread("fleet-db", patience=terms.seconds / 2)
        self._reports = SlotReports(self._database, listener=self._me.id)
        self._signals = SignalThread()
        self._woken = asyncio.Event()
        self._answered = False
        self._trusted_until = clock() + terms.trusted
        self._troubled = False
        self._patient_until = 0.0
        self._loose_since: dict[int, float] = {}
        self._full = False

    async def run(self, stop: asyncio.Event) -> None:
        """Hold connections until ``stop`` is set; then let others take over, close the rest and say so in the database."""
        all_said = asyncio.Event()
        writer = asyncio.create_task(self._reports.write_until(all_said), name="slot-reports")
        waker = asyncio.create_task(self._wake_on(stop), name="fleet-stop")
        sleep_watch = asyncio.create_task(self._watch_sleep(SleepWatch()), name="fleet-sleep")
        try:
            while not stop.is_set():
                trusted = clock() <= self._trusted_until
                await self._round()
                if trusted and clock() > self._trusted_until:
                    continue  # asleep in the middle of it, perhaps: see at once what has become of the leases
                await self._pause(self._terms.interval * random.uniform(1 - JITTER, 1 + JITTER), stop)  # noqa: S311 -- spread, no secret
            await self._drain()
        finally:
            await self._close()
            for task in (waker, sleep_watch):
                task.cancel()
            await asyncio.gather(waker, sleep_watch, return_exceptions=True)
            all_said.set()
            await writer
            await self._database.close()
            await asyncio.to_thread(self._signals.close, seconds=SIGNALS_TIMEOUT)

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._woken.set()

    async def _watch_sleep(self, watch: SleepWatch) -> None:
        """The sockets of a machine that slept are dead, whatever the kernel thinks of them: make them anew at once."""
        while True:
            await asyncio.sleep(CHECK_EVERY)
            if slept := watch.slept():
                logger.warning("machine_slept", extra={"seconds": round(slept)})
                self._renew_all(f"the machine slept for {slept:.0f} s")

    def _renew_all(self, reason: str) -> None:
        for connection in self._connections.values():
            connection.renew(reason)

    async def _pause(self, seconds: float, stop: asyncio.Event | None = None) -> None:
        """Until the next round; what connections have to say is heeded at once."""
        until = clock() + seconds
        while (left := until - clock()) > 0 and not (stop and stop.is_set()):
            try:
                async with asyncio.timeout(left):
                    await self._woken.wait()
            except TimeoutError:
                return
            self._woken.clear()
            await self._guarded(self._settle())

    # --- one round

    async def _round(self) -> Survey | None:
        """None when the database did not answer. Nothing ends the fleet: the next round may do better."""
        return await self._guarded(self._look_and_act())

    async def _guarded(self, work: Coroutine[Any, Any, T]) -> T | None:
        try:
            return await work
        except (Error, TimeoutError) as error:
            self._troubled = True
            logger.warning("database_unavailable", extra={"error": type(error).__name__})
        except Exception:
            self._troubled = True
            logger.exception("fleet_round_failed")
        return None

    async def _look_and_act(self) -> Survey:
        await self._settle()
        survey = await self._renew()
        if clock() > self._trusted_until:
            return survey  # old news: asleep while they were on their way
        self._follow(survey)
        if not self._me.draining:
            await self._take(Balance(self._me, survey))
        return survey

    async def _settle(self) -> None:
        """Hand back what is closed, and become the holder of what was taken over and hears."""
        closed = [connection for connection in self._connections.values() if connection.closed]
        gone = [connection.wanted.slot_id for connection in closed if connection.anew is None]
        if gone:
            await self._database.run(let_go, gone, listener=self._me.id)
        for connection in closed:
            del self._connections[connection.wanted.slot_id]
            if connection.anew is not None:
                self._start(connection.anew, held=connection.held)
        for connection in list(self._connections.values()):
            if not connection.held and not connection.ending and connection.observer.hearing:
                await self._succeed(connection)

    async def _succeed(self, connection: SlotConnection) -> None:
        slot_id = connection.wanted.slot_id
        mine = await self._database.run(
            succeed, slot_id, successor=self._me.id, name=self._node, seconds=self._terms.seconds
        )
        if not mine:
            connection.end(LossReason.MOVED)
            return
        connection.held = connection.observer.held = True
        connection.observer.restate()
        logger.info("slot_taken_over", extra={"app_id": connection.wanted.app_id, "slot": slot_id})

    async def _renew(self) -> Survey:
        """Renew the leases and look around.

        A database that does not answer costs no connection: nobody else can claim one either. But who has slept
        through the end of its leases finds out first whether they are still its own, and without an answer assumes
        that they are not.
        """
        asked = clock()
        overdue = asked > self._trusted_until
        overslept = overdue and self._answered
        self._answered = False
        try:
            async with asyncio.timeout(PROOF_TIMEOUT if overslept else None):
                survey = await self._database.run(
                    renew, self._me, name=self._node, seconds=self._terms.seconds
                )
        except (Error, TimeoutError):
            if overslept:
                logger.warning("leases_overslept", extra={"connections": len(self._connections)})
                self._end_all(LossReason.SLEPT)
            raise
        self._answered = True
        self._trusted_until = asked + self._terms.trusted
        if overdue:
            self._restate()
        if overdue or self._troubled:
            # The others had the same trouble: their leases ran out, too, and they are given the time to renew them.
            self._patient_until = clock() + self._terms.seconds
            self._troubled = False
        return survey

    def _restate(self) -> None:
        """Somebody may have corrected rows of leases that had run out."""
        for connection in self._connections.values():
            if connection.held:
                connection.observer.restate()

    def _follow(self, survey: Survey) -> None:
        """End what is no longer ours or no longer right, start what is ours and missing."""
        seen = {slot.slot_id: slot for slot in survey.slots}
        for slot_id, connection in self._connections.items():
            slot = seen.get(slot_id)
            if slot is None:
                connection.end(LossReason.ASKED)
            elif not self._owns(connection, slot) or connection.is_stuck:
                connection.end(LossReason.MOVED)
            elif connection.dead:
                connection.end(LossReason.ERROR, anew=slot.wanted)
            elif connection.wanted != slot.wanted:
                connection.end(connection.wanted.reason_for(slot.wanted), anew=slot.wanted)
        for slot in survey.slots:
            if slot.holder == self._me.id and slot.slot_id not in self._connections:
                self._start(slot.wanted, held=True)

    def _owns(self, connection: SlotConnection, slot: SeenSlot) -> bool:
        return (slot.holder if connection.held else slot.successor) == self._me.id

    async def _take(self, balance: Balance) -> None:
        """Claim and take over what is due to this process."""
        now = clock()
        self._loose_since = {
            slot.slot_id: self._loose_since.get(slot.slot_id, now) for slot in balance.loose()
        }
        waited = {
            slot_id: (now - since) / self._terms.interval for slot_id, since in self._loose_since.items()
        }
        patient = now < self._patient_until
        load = balance.load
        for wish in balance.claims(waited):
            if not (patient and wish.slot.lapsed):
                load += await self._try(wish, load=load, share=balance.share)
        for wish in balance.moves(waited):
            load += await self._try(wish, load=load, share=balance.share)
        if not patient:
            await self._database.run(tidy)
            await self._say_if_full(balance)

    async def _try(self, wish: Wish, *, load: int, share: int) -> bool:
        slot, limit = wish.slot, self._me.capacity if wish.beyond_share else share
        if load >= min(limit, self._me.capacity) or slot.slot_id in self._connections:
            return False
        if slot.holder is None:
            taken = await self._database.run(
                claim, slot.slot_id, holder=self._me.id, name=self._node, seconds=self._terms.seconds
            )
        else:
            taken = await self._database.run(
                bid, slot.slot_id, holder=slot.holder, successor=self._me.id, seconds=self._terms.seconds
            )
        if taken:
            if slot.lapsed:
                self._reports.lost(_died(slot))
            self._start(slot.wanted, held=slot.holder is None)
        return taken

    async def _say_if_full(self, balance: Balance) -> None:
        homeless = balance.homeless()
        for slot in homeless:
            await self._database.run(mark_homeless, slot.slot_id)
        if homeless and not self._full:
            logger.error("no_room", extra={"max_connections": self._me.capacity, "waiting": len(homeless)})
        self._full = bool(homeless)

    # --- beginning and end

    def _start(self, wanted: WantedSlot, *, held: bool) -> None:
        observer = SlotObserver(
            wanted,
            held=held,
            node=self._node,
            reports=self._reports,
            signal_thread=self._signals,
            heard=self._woken.set,
        )
        self._connections[wanted.slot_id] = SlotConnection(
            wanted,
            held=held,
            observer=observer,
            sink=self._sink,
            database=self._database,
            turns=self._turns,
            timing=self._timing,
            woken=self._woken.set,
        )

    def _end_all(self, cause: LossReason) -> None:
        for connection in self._connections.values():
            connection.end(cause)

    async def _drain(self) -> None:
        """Take nothing more and let the others connect before the sockets here are closed, if there are others."""
        self._me = replace(self._me, draining=True)
        until = clock() + DRAIN_TIMEOUT
        while clock() < until:
            for connection in self._connections.values():
                if not (connection.held and connection.observer.hearing):
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
            connection.anew = None
        await self._guarded(self._leave())

    async def _leave(self) -> None:
        await self._settle()
        await self._database.run(retire, self._me.id)


def _died(slot: SeenSlot) -> ConnectionLoss:
    """What a process that died could not write down itself."""
    return ConnectionLoss(
        bot_id=slot.wanted.bot_id,
        number=slot.wanted.number,
        node=slot.node,
        at=timezone.now(),
        reason=LossReason.DIED,
    )
