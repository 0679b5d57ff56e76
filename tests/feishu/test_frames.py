import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.errors import FrameError
from feishu.frames import CONTROL, DATA, Frame, answer, decode, encode

SERVICE = 33554678
PING = "0800100018f681801020002a0c0a0474797065120470696e67"
PONG = "0800100018f681801020002a0c0a04747970651204706f6e6742147b2250696e67496e74657276616c223a3132307d"
EVENT = (
    "0800100018f681801020012a0d0a047479706512056576656e742a100a0a6d6573736167655f696412026d31"
    "2a0e0a0874726163655f6964120274312a080a0373756d1201312a080a0373657112013042027b7d"
)
EVENT_HEADERS = (("type", "event"), ("message_id", "m1"), ("trace_id", "t1"), ("sum", "1"), ("seq", "0"))

# Made by the official SDK.
VECTORS = [
    (PING, Frame(service=SERVICE, method=CONTROL, headers=(("type", "ping"),))),
    (
        PONG,
        Frame(service=SERVICE, method=CONTROL, headers=(("type", "pong"),), payload=b'{"PingInterval":120}'),
    ),
    (EVENT, Frame(service=SERVICE, method=DATA, headers=EVENT_HEADERS, payload=b"{}")),
]

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
frames = st.builds(
    Frame,
    seq_id=st.integers(0, 2**64 - 1),
    log_id=st.integers(0, 2**64 - 1),
    service=st.integers(-(2**31), 2**31 - 1),
    method=st.integers(-(2**31), 2**31 - 1),
    headers=st.lists(st.tuples(text, text), max_size=8).map(tuple),
    payload_encoding=text,
    payload_type=text,
    payload=st.binary(max_size=300),
    log_id_new=text,
)


@pytest.mark.parametrize(("wire", "frame"), VECTORS)
def test_frames_of_the_official_sdk_are_read_and_written(wire, frame):
    assert decode(bytes.fromhex(wire)) == frame
    assert encode(frame).hex() == wire


def test_empty_optional_fields_as_go_writes_them_are_accepted():
    assert decode(bytes.fromhex("080010001800200032003a004a00")) == Frame()


def test_required_fields_are_written_even_when_zero():
    assert encode(Frame()).hex() == "0800100018002000"


def test_negative_numbers_take_ten_bytes():
    wire = encode(Frame(service=-1))
    assert wire.hex() == "0800100018ffffffffffffffffff012000"
    assert decode(wire).service == -1


@given(frames)
def test_a_frame_survives_the_wire(frame):
    assert decode(encode(frame)) == frame


@given(frames)
def test_the_official_sdk_reads_our_frames_as_we_do(sdk, frame):
    theirs = sdk.ws.pb.pbbp2_pb2.Frame.FromString(encode(frame))
    assert theirs.SeqID == frame.seq_id
    assert theirs.LogID == frame.log_id
    assert theirs.service == frame.service
    assert theirs.method == frame.method
    assert tuple((header.key, header.value) for header in theirs.headers) == frame.headers
    assert (theirs.payload_encoding, theirs.payload_type) == (frame.payload_encoding, frame.payload_type)
    assert (theirs.payload, theirs.LogIDNew) == (frame.payload, frame.log_id_new)


@given(frames)
def test_we_read_the_official_sdks_frames_as_it_does(sdk, frame):
    theirs = sdk.ws.pb.pbbp2_pb2.Frame()
    theirs.SeqID, theirs.LogID = frame.seq_id, frame.log_id
    theirs.service, theirs.method = frame.service, frame.method
    for key, value in frame.headers:
        header = theirs.headers.add()
        header.key, header.value = key, value
    theirs.payload_encoding, theirs.payload_type = frame.payload_encoding, frame.payload_type
    theirs.payload, theirs.LogIDNew = frame.payload, frame.log_id_new
    assert decode(theirs.SerializeToString()) == frame


@pytest.mark.parametrize("field", ["0800", "1000", "1800", "2000"])
def test_a_frame_without_a_required_field_is_refused(field):
    whole = "0800100018002000"
    with pytest.raises(FrameError, match="required"):
        decode(bytes.fromhex(whole.replace(field, "")))


@pytest.mark.parametrize("header", ["0a03616263", "120161", ""])
def test_a_header_without_its_key_or_value_is_refused(header):
    length = f"{len(header) // 2:02x}"
    with pytest.raises(FrameError, match="header"):
        decode(bytes.fromhex("08001000180020002a" + length + header))


def test_a_frame_cut_short_anywhere_is_refused_or_lacks_only_optional_fields():
    wire = bytes.fromhex(EVENT)
    for length in range(len(wire)):
        try:
            frame = decode(wire[:length])
        except FrameError:
            continue
        assert frame.headers == EVENT_HEADERS[: len(frame.headers)]
        assert frame.payload == b""


@pytest.mark.parametrize(
    ("extra", "meaning"),
    [
        ("5001", "an unknown number"),
        ("520161", "unknown bytes"),
        ("590000000000000000", "an unknown 64-bit field"),
        ("5d00000000", "an unknown 32-bit field"),
    ],
)
def test_unknown_fields_are_skipped(extra, meaning):
    assert decode(bytes.fromhex("0800100018002000" + extra)) == Frame(), meaning


def test_unknown_fields_of_a_header_are_skipped():
    header = "0a0161120162" + "1801" + "220163" + "290000000000000000" + "2d00000000"
    wire = f"08001000180020002a{len(header) // 2:02x}{header}"
    assert decode(bytes.fromhex(wire)).headers == (("a", "b"),)


@pytest.mark.parametrize(
    "broken",
    [
        "53",
        "5900",
        "5d00",
        "08ffffffffffffffffffff01",
        "4205aa",
        "3201ff",
        "2a060a01ff120161",
        "08",
    ],
)
def test_broken_bytes_are_refused(broken):
    with pytest.raises(FrameError):
        decode(bytes.fromhex("0800100018002000" + broken))


@given(st.binary(max_size=100))
def test_garbage_is_refused_or_read_but_never_breaks(data):
    try:
        frame = decode(data)
    except FrameError:
        return
    assert decode(encode(frame)) == frame


def test_a_header_is_found_by_its_key():
    frame = Frame(headers=(("type", "event"), ("type", "later")))
    assert frame.header("type") == "event"
    assert frame.header("sum") == ""
    assert frame.header("sum", "1") == "1"


def test_a_frame_does_not_show_its_payload():
    assert "hello" not in repr(Frame(payload=b"hello"))


@given(frames, st.binary(max_size=300))
def test_an_answer_is_the_frame_with_another_payload_and_more_headers(sdk, frame, payload):
    theirs = sdk.ws.pb.pbbp2_pb2.Frame.FromString(answer(decode(encode(frame)), payload, ("biz_rt", "7")))
    ours = decode(answer(decode(encode(frame)), payload, ("biz_rt", "7")))
    assert (theirs.SeqID, theirs.LogID, theirs.payload, theirs.LogIDNew) == (
        frame.seq_id, frame.log_id, payload, frame.log_id_new,
    )  # fmt: skip
    assert [(header.key, header.value) for header in theirs.headers] == [*frame.headers, ("biz_rt", "7")]
    assert (ours.headers, ours.payload) == ((*frame.headers, ("biz_rt", "7")), payload)


def test_an_answer_has_one_payload_however_many_came():
    twice = encode(Frame(headers=(("type", "event"),), payload=b"one")) + b"\x42\x03two\x4a\x01z"
    assert decode(twice).payload == b"two"
    assert answer(decode(twice), b"ok") == encode(
        Frame(headers=(("type", "event"),), payload=b"ok", log_id_new="z")
    )


def test_an_answer_repeats_what_nobody_knows():
    unknown = b"\x9a\x06\x03abc"
    assert unknown in answer(decode(encode(Frame(payload=b"x")) + unknown), b"ok")


@pytest.mark.parametrize("length", [4, 100, 126, 127, 128, 300])
def test_headers_of_every_length_are_read(length):
    frame = Frame(headers=(("k" * (length // 2), "v" * (length - length // 2)), ("", "")))
    assert decode(encode(frame)) == frame
