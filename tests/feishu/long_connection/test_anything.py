"""Frames as nobody should send them: a session takes whatever comes, and goes on."""

from hypothesis import given
from hypothesis import strategies as st

from feishu.frames import DATA, Frame, decode, encode
from feishu.long_connection.config import ClientConfig
from feishu.long_connection.fragments import Fragments
from feishu.long_connection.messages import Reply
from feishu.long_connection.session import MessageReceived, Session
from tests.anything import FUZZ, damaged, payloads
from tests.feishu.long_connection.fake_gateway import event, pong

numbers = st.sampled_from(["0", "1", "2", "3", "-1", "x", "", "4097", "999999999", "1e3", "²", "٣"])
headers = st.lists(
    st.one_of(
        st.tuples(st.just("type"), st.sampled_from(["event", "card", "ping", "pong", "", "unheard-of"])),
        st.tuples(st.sampled_from(["sum", "seq"]), numbers),
        st.tuples(st.just("message_id"), st.sampled_from(["a", "b", "", "\x00"])),
        st.tuples(
            st.sampled_from(["trace_id", "", "biz_rt"]), st.text(st.characters(exclude_categories=["Cs"]))
        ),
    ),
    max_size=8,
).map(tuple)
frames = st.builds(
    Frame,
    seq_id=st.integers(0, 2**64 - 1),
    service=st.integers(-(2**31), 2**31 - 1),
    method=st.sampled_from([0, 1, 1, 1, 2, -1]),
    headers=headers,
    payload=payloads,
)
pieces = st.builds(
    lambda index, total, name, content: Frame(
        method=DATA,
        headers=(("type", "event"), ("message_id", name), ("sum", str(total)), ("seq", str(index))),
        payload=content,
    ),
    st.integers(0, 5), st.integers(0, 5), st.sampled_from("ab"), st.binary(max_size=5),
)  # fmt: skip
encoded = st.one_of(frames, pieces).map(encode)


@FUZZ
@given(st.lists(encoded | damaged(encoded) | st.binary(max_size=60) | st.text(max_size=9), max_size=30))
def test_whatever_frames_come_the_next_one_is_received(wire):
    fragments = Fragments(max_messages=3, max_bytes=50)
    session = Session(service_id=1, config=ClientConfig(), now=100.0, fragments=fragments)
    for data in wire:
        for outcome in session.receive(data, 101.0):
            if isinstance(outcome, MessageReceived):
                ack = decode(session.ack(outcome.message, Reply(code=200, data=b"{}"), 3))
                assert ack.headers[:-1] == outcome.message.frame.headers
        assert len(fragments) <= 3
    (received,) = session.receive(event("last", b'{"a":1}'), 102.0)
    assert isinstance(received, MessageReceived)
    assert received.message.payload == b'{"a":1}'
    assert session.receive(pong(), 103.0)
    assert session.deadline > 103.0
