"""What the fleet decides, with a clock and a database that the test holds in its hands."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone

from bots.connections import fleet as module
from bots.connections import placement, renewal
from bots.connections.fleet import Fleet
from bots.connections.leases import Survey
from bots.connections.renewal import LeaseTerms
from bots.connections.slots import SeenSlot, WantedSlot
from bots.enums import LossReason, ProcessPart
from bots.models import ConnectionLoss
from core.background.vitals import Vitals
from tests.services.processes import PATIENCE

TERMS = LeaseTerms(seconds=6, interval=1.5)
BOT = UUID(int=7)


class Connection:
    """Notes what is done to it, and ends at once."""

    def __init__(self, wanted: WantedSlot, *, held: bool, observer: Any, **_collaborators: Any) -> None:
        self.wanted, self.held, self.observer = wanted, held, observer
        self.ending = self.closed = self.dead = self.is_stuck = False
        self.replacement: WantedSlot | None = None
        self.renewed: list[str] = []

    def renew(self, reason: str) -> None:
        self.renewed.append(reason)

    def end(self, cause: LossReason, *, replacement: WantedSlot | None = None) -> None:
        self.ending = self.closed = True
        self.replacement, self.cause = replacement, cause


class Database:
    """Answers like the domain functions, from memory; ``down`` makes it fail."""

    def __init__(self) -> None:
        self.down = False
        self.slots: list[SeenSlot] = []
        self.calls: list[str] = []
        self.is_passive = False
        self.answers: dict[str, bool] = {}

    async def run(self, function: Callable[..., Any], *_arguments: Any, **_values: Any) -> Any:
        if self.down:
            raise OperationalError
        self.calls.append(function.__name__)
        if function.__name__ == "renew":
            return Survey([], self.slots, is_passive=self.is_passive)
        return self.answers.get(function.__name__, True)


class Scene:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for timed in (module, placement, renewal):
            monkeypatch.setattr(timed, "clock", lambda: self.now)
        monkeypatch.setattr(module, "SlotConnection", Connection)
        self.database = Database()
        self.fleet = Fleet(sink=None, node="a", terms=TERMS, capacity=10)
        self.me = self.fleet._me.id
        self.losses: list[ConnectionLoss] = []
        self.reported: dict[int, dict[str, Any]] = {}
        monkeypatch.setattr(self.fleet._reports, "lost", self.losses.append)
        monkeypatch.setattr(self.fleet._reports, "add", self._report)
        for user in (self.fleet, self.fleet._renewal, self.fleet._placement):
            user._database = self.database

    def _report(self, slot_id: int, **values: Any) -> None:
        self.reported.setdefault(slot_id, {}).update(values)

    async def round(self, *slots: SeenSlot, seconds: float = 1.5) -> dict[int, Connection]:
        """Let time pass, and the fleet survey these slots."""
        self.now += seconds
        self.database.slots = list(slots)
        self.database.calls.clear()
        await self.fleet._round()
        return dict(self.fleet._connections)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def seen(number: int = 1, *, fingerprint: str = "x", **values: Any) -> SeenSlot:
    half_open_at = values.pop("half_open_at", None)
    return SeenSlot(
        WantedSlot(number, BOT, "cli_7", (fingerprint,), half_open_at=half_open_at),
        **values,
    )


async def test_free_slot_is_claimed_and_connected(scene):
    connections = await scene.round(seen())
    assert connections[1].held
    assert "claim" in scene.database.calls


async def test_rows_of_dead_processes_are_corrected_at_once_and_then_every_third_round(scene):
    corrected = []
    for _round in range(7):
        await scene.round(seen(1, holder=scene.me))
        corrected.append("reap" in scene.database.calls)
    assert corrected == [True, False, False, True, False, False, True]


async def test_passive_portal_closes_its_connections_and_claims_none(scene):
    connections = await scene.round(seen(1, holder=scene.me))
    scene.database.is_passive = True
    await scene.round(seen(1, holder=scene.me), seen(2))
    assert connections[1].ending
    assert await scene.round(seen(1), seen(2)) == {}
    assert "claim" not in scene.database.calls

    scene.database.is_passive = False
    assert set(await scene.round(seen(1), seen(2))) == {1, 2}


async def test_claim_that_another_process_won_connects_nothing(scene):
    scene.database.answers["claim"] = False
    assert await scene.round(seen()) == {}


async def test_connection_whose_lease_is_lost_is_closed(scene):
    held = (await scene.round(seen(holder=scene.me)))[1]
    await scene.round(seen(holder=uuid4(), connected=True))
    assert held.closed
    assert held.replacement is None
    assert held.cause == LossReason.MOVED


async def test_connection_of_a_bot_that_is_gone_is_closed_and_then_released(scene):
    held = (await scene.round(seen(holder=scene.me)))[1]
    await scene.round()
    assert held.closed
    assert held.cause == LossReason.ASKED
    assert await scene.round() == {}
    assert scene.database.calls[0] == "release"


async def test_changed_bot_is_connected_again_under_the_same_lease(scene):
    changed = (await scene.round(seen(holder=scene.me)))[1]
    await scene.round(seen(holder=scene.me, fingerprint="y"))
    assert changed.cause == LossReason.CHANGED
    connections = await scene.round(seen(holder=scene.me, fingerprint="y"))
    assert connections[1].wanted.fingerprint == ("y",)
    assert not connections[1].ending
    assert "release" not in scene.database.calls


async def test_connection_that_the_platform_does_not_count_any_more_is_replaced(scene):
    known = (await scene.round(seen(holder=scene.me)))[1]
    await scene.round(seen(holder=scene.me, half_open_at=timezone.now()))
    assert known.replacement is not None
    assert known.cause == LossReason.HALF_OPEN


async def test_process_that_takes_over_from_a_silent_one_writes_down_the_loss_and_warns(scene, caplog):
    await scene.round(seen(lapsed=True, node="app-1:17"))
    [loss] = scene.losses
    assert (loss.reason, loss.node, loss.number, loss.lasted) == (LossReason.DIED, "app-1:17", 1, None)
    [warning] = [record for record in caplog.records if record.message == "silent_process_replaced"]
    assert warning.silent == "app-1:17"
    assert "platform still counts its connections" in warning.cure


async def test_rounds_stand_still_where_the_database_thread_does_not_come_back(scene, monkeypatch):
    own = Vitals(clock=lambda: scene.now)
    monkeypatch.setattr(module, "vitals", own)
    own.expect(ProcessPart.CONNECTIONS, within=module.HANGS_AFTER)
    await scene.round(seconds=60)
    scene.database.down = True  # its thread says so: it is there
    await scene.round(seconds=60)
    assert own.standing_still() == []

    async def hang(*_arguments, **_values):
        raise TimeoutError

    scene.database.run = hang
    for _ in range(2):
        await scene.round(seconds=60)
    assert own.standing_still() == ["connections"]


async def test_database_that_does_not_answer_costs_no_connection_however_long(scene):
    held = (await scene.round(seen(holder=scene.me)))[1]
    scene.database.down = True
    for _ in range(20):
        await scene.round(seconds=1.5)
    assert not held.ending
    scene.database.down = False
    await scene.round(seen(holder=scene.me))
    assert not held.ending


async def test_what_lapsed_in_an_outage_is_left_to_its_holder_for_as_long_as_a_lease(scene):
    await scene.round()
    scene.database.down = True
    await scene.round()
    scene.database.down = False
    assert await scene.round(seen(lapsed=True)) == {}
    assert await scene.round(seen(lapsed=True), seconds=4) == {}
    assert list(await scene.round(seen(lapsed=True), seconds=3)) == [1]


async def test_process_that_overslept_its_leases_closes_everything_unless_they_are_proved(scene):
    held = (await scene.round(seen(holder=scene.me)))[1]
    scene.database.down = True
    await scene.round(seconds=60)
    assert held.ending


async def test_process_that_overslept_keeps_what_nobody_else_claimed(scene):
    held = (await scene.round(seen(holder=scene.me)))[1]
    held.observer.connected("device")
    scene.reported.clear()
    await scene.round(seen(holder=scene.me), seconds=60)
    assert not held.ending
    assert scene.reported[1]["state"] == "connected"


async def test_answer_that_took_longer_than_the_trust_starts_nothing(scene):
    async def slow(function: Callable[..., Any], *_arguments: Any, **_values: Any) -> Any:
        scene.now += 60
        return Survey([], [seen(holder=scene.me)])

    scene.database.run = slow
    assert await scene.round() == {}


async def test_slot_of_a_process_that_leaves_is_held_once_the_successor_receives(scene):
    other = module.Peer(uuid4(), 10, draining=True)
    slot = seen(holder=other.id, connected=True)
    scene.database.run = survey_with(scene, [other])
    candidate = (await scene.round(slot))[1]
    assert not candidate.held
    candidate.observer.heartbeat(None, expected=120)
    await scene.fleet._settle()
    assert candidate.held
    assert "complete_handover" in scene.database.calls


async def test_slot_whose_handover_did_not_get_through_is_left_with_its_holder_for_a_while(scene):
    other = module.Peer(uuid4(), 10, draining=True)
    scene.database.run = survey_with(scene, [other])
    candidate = (await scene.round(seen(holder=other.id, connected=True)))[1]
    candidate.is_stuck = True
    await scene.round(seen(holder=other.id, successor=scene.me, connected=True))
    assert candidate.cause == LossReason.MOVED
    assert await scene.round(seen(holder=other.id, connected=True)) == {}
    assert list(await scene.round(seen(holder=other.id, connected=True), seconds=placement.POSTPONED)) == [1]


async def test_successor_that_came_too_late_closes(scene):
    other = module.Peer(uuid4(), 10, draining=True)
    scene.database.run = survey_with(scene, [other])
    candidate = (await scene.round(seen(holder=other.id, connected=True)))[1]
    scene.database.answers["complete_handover"] = False
    candidate.observer.heartbeat(None, expected=120)
    await scene.fleet._settle()
    assert candidate.ending
    assert not candidate.held


def survey_with(scene: Scene, peers: list[Any]) -> Callable[..., Any]:
    real = scene.database.run

    async def run(function: Callable[..., Any], *arguments: Any, **values: Any) -> Any:
        answer = await real(function, *arguments, **values)
        return Survey(peers, answer.slots) if isinstance(answer, Survey) else answer

    return run


async def test_every_connection_is_replaced_when_the_machine_has_slept(scene, monkeypatch):
    connections = await scene.round(seen(1, holder=scene.me), seen(2, holder=scene.me))
    monkeypatch.setattr(module, "CHECK_EVERY", 0)
    looks = iter([0.0, 0.0, 3600.0])

    class Watch:
        def slept(self) -> float:
            return next(looks, 0.0)

    watching = asyncio.create_task(scene.fleet._watch_sleep(Watch()))
    async with asyncio.timeout(PATIENCE):
        while not connections[2].renewed:
            await asyncio.sleep(0)
    watching.cancel()
    assert [connection.renewed for connection in connections.values()] == [
        ["the machine slept for 3600 s"]
    ] * 2
