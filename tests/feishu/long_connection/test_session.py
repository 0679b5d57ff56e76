import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.frames import CONTROL, DATA, Frame, decode, encode
from feishu.long_connection.config import ClientConfig
from feishu.long_connection.messages import Reply
from feishu.long_connection.session import (
    ConfigChanged,
    Ignored,
    MessageReceived,
    Partial,
    PongReceived,
    Session,
)
from tests.feishu.long_connection.fake_gateway import event, pong


def session(**options) -> Session:
    return Session(**{"service_id": 33554678, "config": ClientConfig(), "now": 100.0, **options})


def test_the_ping_is_the_one_the_official_client_sends():
    assert session().ping().hex() == "0800100018f681801020002a0c0a0474797065120470696e67"


def test_a_whole_message_is_received():
    (received,) = session().receive(event("m1", b'{"a":1}'), 101.0)
    assert isinstance(received, MessageReceived)
    message = received.message
    assert (message.payload, message.message_id, message.trace_id, message.kind, message.received_at) == (
        b'{"a":1}',
        "m1",
        "t1",
        "event",
        101.0,
    )


def test_a_card_frame_is_received_too():
    (received,) = session().receive(event(kind="card"), 101.0)
    assert isinstance(received, MessageReceived)
    assert received.message.kind == "card"


def test_of_headers_with_the_same_name_the_first_counts():
    frame = Frame(
        method=DATA,
        headers=(("type", "event"), ("message_id", "m1"), ("type", "x"), ("message_id", "m2")),
        payload=b"{}",
    )
    (received,) = session().receive(encode(frame), 101.0)
    assert isinstance(received, MessageReceived)
    assert received.message.message_id == "m1"


def test_a_message_without_counters_is_taken_as_whole():
    frame = Frame(method=DATA, headers=(("type", "event"), ("sum", "x")), payload=b"{}")
    (received,) = session().receive(encode(frame), 101.0)
    assert isinstance(received, MessageReceived)
    assert received.message.message_id == ""


@given(st.permutations(range(5)))
def test_fragments_are_put_together_whatever_their_order(order):
    pieces = [b"a", b"", b"c", b"dd", b"e"]
    talk = session()
    outcomes = [talk.receive(event("m1", pieces[index], total=5, index=index), 101.0)[0] for index in order]
    assert outcomes[:-1] == [Partial("m1")] * 4
    last = outcomes[-1]
    assert isinstance(last, MessageReceived)
    assert last.message.payload == b"acdde"
    assert last.message.frame.header("seq") == str(order[-1])


@pytest.mark.parametrize("index", [3, 99999999])
def test_a_fragment_out_of_bounds_is_ignored(index):
    (outcome,) = session().receive(event("m1", b"x", total=3, index=index), 101.0)
    assert isinstance(outcome, Ignored)


def test_fragments_without_a_message_id_are_ignored():
    (outcome,) = session().receive(event("", b"x", total=2, index=0), 101.0)
    assert isinstance(outcome, Ignored)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (Frame(method=DATA, headers=(("type", "news"),)), "a data frame of type 'news'"),
        (Frame(method=DATA), "a data frame of type None"),
        (Frame(method=CONTROL, headers=(("type", "ping"),)), "a control frame of type 'ping'"),
        (Frame(method=7), "a frame with method 7"),
    ],
)
def test_frames_of_unknown_kinds_are_ignored(frame, reason):
    assert session().receive(encode(frame), 101.0) == [Ignored(reason)]


def test_text_and_garbage_prove_nothing():
    talk = session()
    assert talk.receive("hello", 101.0) == [Ignored("a text message")]
    (outcome,) = talk.receive(b"\x08", 102.0)
    assert isinstance(outcome, Ignored)
    assert not talk.alive
    assert talk.heard_at == 100.0


@given(st.binary(max_size=200))
def test_no_bytes_can_break_a_session(data):
    for outcome in session().receive(data, 101.0):
        assert outcome is not None


@given(st.dictionaries(st.sampled_from(["type", "sum", "seq", "message_id"]), st.text(max_size=12)))
def test_no_headers_can_break_a_session(headers):
    frame = Frame(method=DATA, headers=(("type", "event"), *headers.items()), payload=b"x")
    assert session().receive(encode(frame), 101.0)


def test_silence_ends_two_ping_intervals_and_ten_seconds_after_the_last_frame():
    talk = session(config=ClientConfig(ping_interval=30))
    assert talk.deadline == 100.0 + 70
    talk.receive(pong(), 150.0)
    assert talk.deadline == 150.0 + 70
    assert talk.alive


def test_the_platforms_second_can_be_shortened():
    talk = session(config=ClientConfig(ping_interval=30), second=0.1)
    assert talk.deadline == pytest.approx(107.0)
    assert talk.ping_interval == pytest.approx(3.0)


def test_a_pong_with_another_configuration_puts_it_in_force():
    talk = session()
    outcome = talk.receive(pong(b'{"PingInterval":30,"ReconnectCount":-1}'), 101.0)
    assert outcome == [PongReceived(), ConfigChanged(ClientConfig(ping_interval=30))]
    assert talk.config.ping_interval == 30
    assert talk.receive(pong(b'{"PingInterval":30}'), 102.0) == [PongReceived()]


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b'{"PingInterval":0}', b'{"PingInterval":null}', b"\xff"]
)
def test_a_pong_with_an_unusable_configuration_changes_nothing(payload):
    talk = session()
    assert talk.receive(pong(payload), 101.0) == [PongReceived()]
    assert talk.config == ClientConfig()


def test_an_ack_repeats_the_frame_and_adds_the_time_taken():
    talk = session()
    (received,) = talk.receive(event("m1", extra=(("instance_id", "gw-3"),)), 101.0)
    assert isinstance(received, MessageReceived)
    ack = decode(talk.ack(received.message, Reply(), 12))
    original = received.message.frame
    assert (ack.seq_id, ack.log_id, ack.service, ack.method) == (7, 8, 33554678, DATA)
    assert ack.headers == (*original.headers, ("biz_rt", "12"))
    assert ack.payload == b'{"code":200}'


def test_an_ack_carries_a_callbacks_answer_in_base64():
    talk = session()
    (received,) = talk.receive(event(), 101.0)
    assert isinstance(received, MessageReceived)
    ack = decode(talk.ack(received.message, Reply(code=500, data=b"{}"), 0))
    assert json.loads(ack.payload) == {"code": 500, "data": "e30="}


def compressed_frame(payload: bytes, **headers: str) -> Frame:
    named = {"type": "event", "message_id": "m1", "trace_id": "t1", "sum": "1", "seq": "0"} | headers
    return Frame(
        seq_id=7,
        log_id=8,
        service=9,
        method=DATA,
        headers=tuple(named.items()),
        payload_encoding="gzip",
        payload_type="json",
        payload=payload,
        log_id_new="n",
    )


def test_a_compressed_message_is_received_and_answered_plainly():
    it = session()
    (received,) = it.receive(encode(compressed_frame(gzip.compress(b'{"a":1}'))), 101.0)
    assert isinstance(received, MessageReceived)
    assert received.message.payload == b'{"a":1}'
    answered = decode(it.ack(received.message, Reply(), 12))
    assert answered.payload == b'{"code":200}'
    assert answered.payload_encoding == ""
    assert (answered.seq_id, answered.log_id, answered.service, answered.log_id_new) == (7, 8, 9, "n")
    assert answered.headers[-1] == ("biz_rt", "12")


def test_a_compressed_message_in_fragments_is_received():
    it, whole = session(), gzip.compress(b'{"a":1}')
    (first,) = it.receive(encode(compressed_frame(whole[:9], sum="2", seq="0")), 101.0)
    (last,) = it.receive(encode(compressed_frame(whole[9:], sum="2", seq="1")), 101.0)
    assert isinstance(first, Partial)
    assert isinstance(last, MessageReceived)
    assert last.message.payload == b'{"a":1}'


def test_a_message_that_does_not_decompress_is_handed_on_as_it_came():
    bomb = gzip.compress(bytes(9 * 1024 * 1024))
    (received,) = session().receive(encode(compressed_frame(bomb)), 101.0)
    assert isinstance(received, MessageReceived)
    assert received.message.payload == bomb


def test_a_compressed_pong_changes_the_configuration():
    frame = Frame(
        method=CONTROL,
        headers=(("type", "pong"),),
        payload_encoding="gzip",
        payload=gzip.compress(b'{"PingInterval":30}'),
    )
    _, changed = session().receive(encode(frame), 101.0)
    assert isinstance(changed, ConfigChanged)
    assert changed.config.ping_interval == 30
