"""Many events down one connection, past the books."""

import asyncio

from feishu.frames import DATA
from tests.sandbox.conftest import APP_ID, Platform


async def flood(platform: Platform, **wish):
    return await platform.control("POST", "flood", {"app_id": APP_ID, **wish})


async def test_every_event_of_a_flood_is_answered_and_timed(served: Platform, connect) -> None:
    line = await connect()
    event = {"message": {"message_id": "om_$id"}}
    outcome = await flood(served, count=300, window=20, event=event)
    assert (outcome["answered"], outcome["unanswered"], outcome["refused"]) == (300, 0, 0)
    assert 0 < outcome["p50_ms"] <= outcome["p99_ms"] <= outcome["longest_ms"]
    events = line.events()
    assert len({event["header"]["event_id"] for event in events}) == 300
    assert all(
        event["event"]["message"]["message_id"] == f"om_{event['header']['event_id']}" for event in events
    )


async def test_an_answer_that_repeats_its_frame_is_not_strange(served: Platform, connect) -> None:
    await connect()
    assert (await flood(served, count=10))["strange"] == 0


async def test_refusals_are_counted(served: Platform, connect) -> None:
    await connect(code=500)
    outcome = await flood(served, count=10)
    assert (outcome["answered"], outcome["refused"]) == (10, 10)


async def test_at_a_rate_the_time_counts_from_when_an_event_was_due(served: Platform, connect) -> None:
    line = await connect(answer=False)
    flooding = asyncio.create_task(flood(served, count=5, per_second=50))
    await line.until(lambda line: len(line.frames) == 5)
    await asyncio.sleep(0.2)
    for frame in line.frames:
        await line.ack(frame)
    outcome = await flooding
    assert outcome["answered"] == 5
    assert outcome["p50_ms"] >= 200


async def test_pings_are_answered_during_a_flood(served: Platform, connect) -> None:
    line = await connect(answer=False)
    flooding = asyncio.create_task(flood(served, count=3))
    await line.until(lambda line: len(line.frames) == 3)
    await line.ping()
    await line.until(lambda line: len(line.frames) == 4)
    for frame in line.frames:
        if frame.method == DATA:
            await line.ack(frame)
    assert (await flooding)["unanswered"] == 0


async def test_events_of_the_usual_kind_go_on_after_a_flood(served: Platform, connect) -> None:
    await connect()
    await flood(served, count=10)
    await served.control("POST", "push", {"app_id": APP_ID, "type": "test.event_v1"})
    await served.settled(1)


async def test_flood_without_a_connection_is_refused(served: Platform) -> None:
    answer = await served.control("POST", "flood", {"app_id": APP_ID}, status=422)
    assert "no connection" in answer["error"]
