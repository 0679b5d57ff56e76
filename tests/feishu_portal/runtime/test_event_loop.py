import asyncio
import builtins

import pytest

from core.background.vitals import Vitals
from feishu_portal.runtime import event_loop
from tests.services.processes import PATIENCE


async def note_loop(found: list[str]) -> None:
    found.append(type(asyncio.get_running_loop()).__module__)


def test_uvloop_is_taken_where_there_is_one() -> None:
    pytest.importorskip("uvloop")
    found: list[str] = []
    event_loop.run(note_loop(found))
    assert found == ["uvloop"]


def test_any_other_system_runs_on_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_uvloop(name: str, *arguments: object, **values: object) -> object:
        if name == "uvloop":
            raise ImportError(name)
        return real(name, *arguments, **values)

    monkeypatch.setattr(builtins, "__import__", without_uvloop)
    found: list[str] = []
    event_loop.run(note_loop(found))
    assert found == ["asyncio.unix_events"]


async def test_loop_that_hangs_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    own = Vitals(clock=lambda: now)
    monkeypatch.setattr(event_loop, "vitals", own)
    monkeypatch.setattr(event_loop, "TICK", 0.01)
    with event_loop.watched_loop():
        now += 31
        assert own.standing_still() == ["event_loop"]  # it has not ticked while this held it up
        async with asyncio.timeout(PATIENCE):
            while own.standing_still():
                await asyncio.sleep(0.01)
        assert own.seconds_since_pass() == 0
    assert own.seconds_since_pass() is None
