import asyncio

from feishu.gateway.pace import Pace


async def test_turns_are_apart_and_in_order(monkeypatch):
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 6))

    monkeypatch.setattr(asyncio, "sleep", sleep)
    now = 100.0
    pace = Pace(0.5, clock=lambda: now)
    for _ in range(3):
        await pace.turn()
    assert waits == [0.5, 1.0]
    now = 200.0
    await pace.turn()
    assert waits == [0.5, 1.0]  # who comes late owes nothing
