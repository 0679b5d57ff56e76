"""Frames, acks, deadlines, retries and everything that can go wrong between them."""

import asyncio
import gzip
import json
import zlib

import pytest
import websockets

from feishu.frames import DATA
from tests.sandbox.conftest import APP_ID, Platform
from tests.services.processes import PATIENCE


@pytest.fixture
def platform(served: Platform) -> Platform:
    return served


async def push(platform: Platform, **wish) -> list[str]:
    answer = await platform.control("POST", "push", {"app_id": APP_ID, "type": "test.event_v1", **wish})
    return answer["event_ids"]


async def test_ping_is_answered_with_the_settings(platform: Platform, connect) -> None:
    line = await connect()
    await line.ping()
    await line.until(lambda line: len(line.frames) == 1)
    pong = line.frames[0]
    assert (pong.method, pong.header("type")) == (0, "pong")
    assert json.loads(pong.payload)["PingInterval"] == 120


async def test_data_frame_has_every_header_and_the_webhook_envelope(platform: Platform, connect) -> None:
    line = await connect()
    [event_id] = await push(platform, event={"n": 1})
    await platform.settled(1)
    names = [name for name, _ in line.frames[0].headers]
    assert names == ["type", "message_id", "trace_id", "sum", "seq", "timestamp", "instance_id"]
    header = line.events()[0]["header"]
    assert line.events()[0]["schema"] == "2.0"
    assert (header["event_id"], header["event_type"], header["app_id"]) == (event_id, "test.event_v1", APP_ID)
    assert len(header["create_time"]) == 13
    assert line.events()[0]["event"] == {"n": 1}


async def test_books_tell_the_latency_and_the_connection_of_an_ack(platform: Platform, connect) -> None:
    await connect()
    await push(platform)
    books = await platform.settled(1)
    [event] = books["events"]
    assert event["attempts"][0]["connection"] == books["connections"][0]["device_id"]
    assert 0 <= event["ack_ms"] < 3000
    assert (event["acked_code"], event["state"]) == (200, "acked")


async def test_each_event_goes_to_one_connection_of_many(platform: Platform, connect) -> None:
    lines = [await connect() for _ in range(3)]
    await push(platform, count=90)
    await platform.settled(90)
    shares = [len(line.events()) for line in lines]
    assert sum(shares) == 90
    assert min(shares) > 0


async def test_refused_event_comes_again_with_the_same_id_at_most_four_times(
    platform: Platform, connect
) -> None:
    line = await connect(code=500)
    await platform.control("PUT", "settings", {"speed": 1e6})
    [event_id] = await push(platform)
    books = await platform.settled(1, "failed")
    assert [event["header"]["event_id"] for event in line.events()] == [event_id] * 5
    assert [attempt["outcome"] for attempt in books["events"][0]["attempts"]] == ["refused"] * 5


async def test_event_without_an_ack_is_tried_again_when_the_deadline_has_passed(
    platform: Platform, connect
) -> None:
    await platform.hurry()
    line = await connect(answer=False)
    await push(platform)
    books = await platform.settled(1, "waiting")
    assert books["events"][0]["attempts"][0]["outcome"] == "timeout"
    # 15 seconds after the deadline was noticed, which a loaded machine does late; the next step would be five minutes.
    assert 14 < books["events"][0]["next_at"] - books["events"][0]["attempts"][0]["at"] < 60
    line.answer = True
    await platform.control("PUT", "settings", {"speed": 1e6})
    assert len((await platform.settled(1))["events"][0]["attempts"]) == 2


async def test_late_ack_is_counted_and_changes_nothing(platform: Platform, connect) -> None:
    await platform.hurry()
    line = await connect(answer=False)
    await push(platform)
    await platform.settled(1, "waiting")
    await line.ack(line.frames[0])
    books = await platform.settled(1, "late_acks")
    assert books["counts"]["acked"] == 0


@pytest.mark.parametrize("change", [{"seq_id": 1}, {"service": 0}, {"headers": (("message_id", "x"),)}])
async def test_ack_is_matched_by_its_message_id_and_other_deviations_are_counted(
    platform: Platform, connect, change: dict
) -> None:
    line = await connect(answer=False)
    await push(platform)
    await line.until(lambda line: line.frames)
    if "headers" in change:
        message_id = line.frames[0].header("message_id")
        change = {"headers": (("message_id", message_id), ("type", "event"))}
    await line.ack(line.frames[0], **change)
    assert (await platform.settled(1))["counts"]["bad_acks"] == 1


async def test_ack_under_another_message_id_is_no_ack(platform: Platform, connect) -> None:
    line = await connect(answer=False)
    await push(platform)
    await line.until(lambda line: line.frames)
    await line.ack(line.frames[0], headers=(("message_id", "x"),))
    async with asyncio.timeout(PATIENCE):
        while not (books := await platform.books())["connections"][0]["strange_frames"]:
            await asyncio.sleep(0.02)
    assert books["counts"]["acked"] == 0


async def test_ack_whose_log_id_was_rounded_as_javascript_does_is_in_order(
    platform: Platform, connect
) -> None:
    line = await connect(answer=False)
    await push(platform)
    await line.until(lambda line: line.frames)
    frame = line.frames[0]
    await line.ack(frame, log_id=int(float(frame.log_id)))
    assert (await platform.settled(1))["counts"]["bad_acks"] == 0


async def test_event_raised_while_nobody_listens_is_delivered_later(platform: Platform, connect) -> None:
    await push(platform)
    books = await platform.settled(1, "waiting")
    assert books["events"][0]["attempts"][0]["outcome"] == "no_connection"
    line = await connect()
    await platform.control("PUT", "settings", {"speed": 1e6})
    await platform.settled(1)
    assert len(line.events()) == 1


async def test_events_of_a_lost_connection_move_to_another(platform: Platform, connect) -> None:
    deaf = await connect(answer=False)
    await push(platform, count=3)
    await deaf.until(lambda line: len(line.frames) == 3)
    await platform.control("PUT", "settings", {"speed": 1e6})
    other = await connect()
    await deaf.close()
    await platform.settled(3)
    assert len(other.events()) == 3


async def test_ordered_events_wait_behind_the_one_that_fails(platform: Platform, connect) -> None:
    await platform.put_app(ordered_events=["test.event_v1"])
    line = await connect(code=500)
    await push(platform, count=3, event={"n": "$n"})
    await platform.settled(1, "waiting")
    assert len(line.events()) == 1
    line.code = 200
    await platform.control("PUT", "settings", {"speed": 1e6})
    await platform.settled(3)
    assert [event["event"]["n"] for event in line.events()] == ["0", "0", "1", "2"]


async def test_big_payload_travels_in_pieces(platform: Platform, connect) -> None:
    line = await connect(answer=False)
    await push(platform, event={"text": "x" * 100_000})
    await line.until(lambda line: len(line.frames) == 2)
    assert [frame.header("sum") for frame in line.frames] == ["2", "2"]
    assert len({frame.header("message_id") for frame in line.frames}) == 1
    await line.ack(line.frames[0])
    assert (await platform.settled(1))["counts"]["bad_acks"] == 0
    assert len(json.loads(b"".join(frame.payload for frame in line.frames))["event"]["text"]) == 100_000


async def test_lost_piece_never_arrives(platform: Platform, connect) -> None:
    await platform.hurry()
    line = await connect(answer=False)
    await platform.control("PUT", "faults", {"delivery": {"chunks": 5, "lose_chunk": True}})
    await push(platform)
    await platform.settled(1, "waiting")
    assert len(line.frames) == 4


async def test_duplicates_keep_their_id_unless_told_otherwise(platform: Platform, connect) -> None:
    line = await connect()
    await platform.control("PUT", "faults", {"delivery": {"duplicate": True}})
    [event_id] = await push(platform)
    await platform.settled(2)
    assert [event["header"]["event_id"] for event in line.events()] == [event_id] * 2
    await platform.control("PUT", "faults", {"delivery": {"duplicate": True, "new_event_id": True}})
    await push(platform)
    await platform.settled(4)
    assert len({event["header"]["event_id"] for event in line.events()}) == 3


async def test_shuffled_events_all_arrive_though_in_another_order(platform: Platform, connect) -> None:
    line = await connect()
    await platform.control("PUT", "faults", {"delivery": {"shuffle": True}})
    await push(platform, count=200, event={"n": "$n"})
    await platform.settled(200)
    numbers = [int(event["event"]["n"]) for event in line.events()]
    assert sorted(numbers) == list(range(200))
    assert numbers != list(range(200))


async def test_old_schema_raw_text_and_fixed_ids_are_sent_as_told(platform: Platform, connect) -> None:
    line = await connect()
    await push(platform, type="approval_instance", schema="1.0", event={"status": "APPROVED"}, ids=["one"])
    await push(platform, raw="{not json $n", ids=["two"])
    await platform.settled(2)
    first = json.loads(line.frames[0].payload)
    assert (first["uuid"], first["type"], first["event"]["type"]) == (
        "one",
        "event_callback",
        "approval_instance",
    )
    assert "." in first["ts"]
    assert line.frames[1].payload == b"{not json 0"


@pytest.mark.parametrize(("action", "strange"), [("garbage", bytes), ("text", str), ("empty", bytes)])
async def test_strange_messages_are_sent_on_demand(
    platform: Platform, connect, action: str, strange: type
) -> None:
    line = await connect()
    assert (await platform.control("POST", "disturb", {"action": action}))["connections"] == 1
    await line.until(lambda line: line.strange)
    assert isinstance(line.strange[0], strange)


async def test_server_ping_is_a_control_frame_that_nobody_has_to_answer(platform: Platform, connect) -> None:
    line = await connect()
    await platform.control("POST", "disturb", {"action": "ping"})
    await line.until(lambda line: line.frames)
    assert line.frames[0].header("type") == "ping"


async def test_close_and_drop_end_connections_politely_and_abruptly(platform: Platform, connect) -> None:
    polite, abrupt = await connect(), await connect()
    ids = [connection["device_id"] for connection in (await platform.books())["connections"]]
    await platform.control("POST", "disturb", {"action": "close", "device_id": ids[0], "close_code": 1013})
    async with asyncio.timeout(PATIENCE):
        await polite.socket.wait_closed()
    assert polite.socket.close_code == 1013
    await platform.control("POST", "disturb", {"action": "drop"})
    async with asyncio.timeout(PATIENCE):
        await abrupt.socket.wait_closed()
    assert abrupt.socket.close_code == 1006
    assert (await platform.books())["connections"] == []


async def test_silent_connection_stays_open_and_says_nothing(platform: Platform, connect) -> None:
    await platform.hurry()
    line = await connect()
    await platform.control("PUT", "faults", {"connection": {"silent": True}})
    await line.ping()
    await push(platform)
    waiting = await line.socket.ping()
    await platform.settled(1, "waiting")
    assert line.frames == []
    assert not waiting.done()
    assert line.socket.state is websockets.State.OPEN
    waiting.cancel()


async def test_pong_may_carry_other_settings_or_stay_away(platform: Platform, connect) -> None:
    line = await connect()
    await platform.control("PUT", "faults", {"connection": {"pong_config": {"PingInterval": 30}}})
    await line.ping()
    await line.until(lambda line: line.frames)
    assert json.loads(line.frames[0].payload) == {"PingInterval": 30}
    await platform.control("PUT", "faults", {"connection": {"pongs": False}})
    await line.ping()
    await push(platform)
    await platform.settled(1)
    assert [frame.method for frame in line.frames] == [0, DATA]


async def test_reset_closes_connections_and_forgets_events(platform: Platform, connect) -> None:
    line = await connect(answer=False)
    await push(platform, count=5)
    await line.until(lambda line: len(line.frames) == 5)
    await platform.control("POST", "reset")
    async with asyncio.timeout(PATIENCE):
        await line.socket.wait_closed()
    assert line.socket.close_code == 1012
    assert (await platform.books())["counts"]["pushed"] == 0
    await connect()
    await push(platform)
    await platform.settled(1)


async def test_connection_count_follows_the_connections(platform: Platform, connect) -> None:
    path = "event/v1/connection"
    assert (await platform.api("GET", path)).json()["data"]["online_instance_cnt"] == 0
    await connect()
    await connect()
    assert (await platform.api("GET", path)).json()["data"]["online_instance_cnt"] == 2


@pytest.mark.parametrize(
    ("encoding", "name", "restore"),
    [
        ("gzip", "gzip", gzip.decompress),
        ("deflate", "deflate", zlib.decompress),
        ("not_gzip", "gzip", lambda payload: payload),
    ],
)
async def test_payloads_come_compressed_and_say_so(
    platform: Platform, connect, encoding: str, name: str, restore
) -> None:
    faults = {
        "delivery": {"encoding": encoding, "chunks": 3},
        "connection": {"pong_encoding": encoding},
    }
    await platform.control("PUT", "faults", faults)
    line = await connect()
    await line.ping()
    await line.until(lambda line: line.frames)
    [event_id] = await push(platform, event={"text": "飞书"})
    await platform.settled(1)
    pong, *pieces = line.frames
    assert {frame.payload_encoding for frame in line.frames} == {name}
    assert json.loads(restore(pong.payload))["PingInterval"] == 120
    whole = json.loads(restore(b"".join(piece.payload for piece in pieces)))
    assert (whole["header"]["event_id"], whole["event"]) == (event_id, {"text": "飞书"})


@pytest.mark.parametrize("code", [1008, 4001])
async def test_close_frame_carries_its_reason(platform: Platform, connect, code: int) -> None:
    line = await connect()
    wish = {"action": "close", "close_code": code, "close_reason": "网关升级 going away"}
    await platform.control("POST", "disturb", wish)
    async with asyncio.timeout(PATIENCE):
        await line.socket.wait_closed()
    assert (line.socket.close_code, line.socket.close_reason) == (code, "网关升级 going away")


@pytest.mark.parametrize("code", [1005, 1006, 1015, 2500])
async def test_code_that_no_close_frame_may_carry_is_sent_all_the_same(
    platform: Platform, connect, code: int
) -> None:
    line = await connect()
    await platform.control("POST", "disturb", {"action": "close", "close_code": code})
    async with asyncio.timeout(PATIENCE):
        await line.socket.wait_closed()
    assert line.socket.protocol.close_sent.code == 1002  # a breach of the protocol, says the library
    assert (await platform.books())["connections"] == []


async def test_every_new_connection_may_be_closed_after_a_while(platform: Platform, connect) -> None:
    closing = {"code": 1013, "reason": "try again later", "after": 0.05, "times": 2}
    await platform.control("PUT", "faults", {"connection": {"closing": closing}})
    for _ in range(2):
        line = await connect()
        async with asyncio.timeout(PATIENCE):
            await line.socket.wait_closed()
        assert (line.socket.close_code, line.socket.close_reason) == (1013, "try again later")
    line = await connect()
    await push(platform)
    await platform.settled(1)
    assert line.socket.state is websockets.State.OPEN


async def test_reason_that_fits_in_no_close_frame_is_refused(platform: Platform) -> None:
    reason = "关" * 42
    for method, path, body in (
        ("POST", "disturb", {"action": "close", "close_reason": reason}),
        ("PUT", "faults", {"connection": {"closing": {"reason": reason}}}),
    ):
        assert "123 bytes" in (await platform.control(method, path, body, status=400))["error"]


async def test_first_attempt_breaks_off_in_the_middle_of_its_frame(platform: Platform, connect) -> None:
    await platform.control("PUT", "settings", {"speed": 100})
    await platform.control("PUT", "faults", {"delivery": {"break_off": True}})
    first, second = await connect(), await connect()
    await push(platform, event={"text": "x" * 500})
    books = await platform.settled(1)
    assert [attempt["outcome"] for attempt in books["events"][0]["attempts"]] == ["closed", "acked"]
    assert sorted(len(line.frames) for line in (first, second)) == [0, 1]
    assert sorted(str(line.socket.close_code) for line in (first, second)) == ["1006", "None"]
