"""The binary frame of the long connection: a proto2 message `Frame`, one per WebSocket message.

    Header { required string key = 1; required string value = 2; }
    Frame  { required uint64 SeqID = 1; required uint64 LogID = 2; required int32 service = 3;
             required int32 method = 4; repeated Header headers = 5; optional string payload_encoding = 6;
             optional string payload_type = 7; optional bytes payload = 8; optional string LogIDNew = 9; }

Field numbers and labels as in the official SDK (`lark_oapi/ws/pb/pbbp2_pb2.py`). Written by hand because the
message is small, because the SDK takes seconds to import, and because its runtime accepts frames without
their required fields.
"""

from functools import lru_cache
from typing import Final

from msgspec import Struct
from msgspec.structs import astuple

from feishu.errors import FrameError

CONTROL: Final = 0
"""`method` of a ping or a pong."""
DATA: Final = 1
"""`method` of an event, a card click, or the answer to one."""

_HEADER, _PAYLOAD = 0x2A, 0x42  # tags: field number and wire type
_KEY, _VALUE = 0x0A, 0x12  # of a header
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_REQUIRED = 0b11110  # fields 1 to 4
_FIELDS = 9
_MAX_VARINT_BYTES = 10


class Frame(Struct, frozen=True, eq=False, gc=False):
    """A frame; headers keep their order, and unknown ones are kept, because an answer repeats them."""

    seq_id: int = 0
    log_id: int = 0
    service: int = 0
    method: int = CONTROL
    headers: tuple[tuple[str, str], ...] = ()
    payload_encoding: str = ""
    payload_type: str = ""
    payload: bytes = b""
    log_id_new: str = ""
    before: bytes = b""
    """What came before the payload, byte for byte; empty for a frame that was not received."""
    after: bytes = b""

    def __eq__(self, other: object) -> bool:
        """Whether they say the same, in whichever bytes."""
        return isinstance(other, Frame) and astuple(self)[:_FIELDS] == astuple(other)[:_FIELDS]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Frame(service={self.service}, method={self.method}, headers={self.headers})"

    def header(self, key: str, default: str = "") -> str:
        """The first value of a header."""
        return next((value for name, value in self.headers if name == key), default)


def encode(frame: Frame) -> bytes:
    """The frame on the wire. Required fields are written even when 0, optional ones only when not empty."""
    out = bytearray()
    for tag, number in (
        (0x08, frame.seq_id),
        (0x10, frame.log_id),
        (0x18, frame.service),
        (0x20, frame.method),
    ):
        out.append(tag)
        _write_varint(out, number)
    for key, value in frame.headers:
        out += _header(key, value)
    for tag, content in (
        (0x32, frame.payload_encoding.encode()),
        (0x3A, frame.payload_type.encode()),
        (_PAYLOAD, frame.payload),
        (0x4A, frame.log_id_new.encode()),
    ):
        if content:
            _write_bytes(out, tag, content)
    return bytes(out)


def answer(frame: Frame, payload: bytes, *headers: tuple[str, str]) -> bytes:
    """A received frame as it came, with more headers and another payload: what the platform expects in answer.

    Not read and rewritten, so that it repeats what nobody here knows of, and costs a tenth.
    """
    out = bytearray(frame.before)
    for key, value in headers:
        out += _added_header(key, value)
    _write_bytes(out, _PAYLOAD, payload)
    out += frame.after
    return bytes(out)


def decode(data: bytes) -> Frame:
    """Read a frame; unknown fields are skipped. Raises FrameError for anything that is not one."""
    try:
        return _decode(data)
    except IndexError as error:
        raise FrameError("the frame is cut short") from error
    except UnicodeDecodeError as error:
        raise FrameError("a string of the frame is not UTF-8") from error


def _decode(data: bytes) -> Frame:  # noqa: C901, PLR0912, PLR0915 -- a function for each kind of field costs twice the time
    """One loop over the fields. Raises IndexError where the frame is cut short."""
    numbers = [0, 0, 0, 0, 0]
    texts = [b""] * (_FIELDS + 1)
    payload = before = after = b""
    headers: list[tuple[str, str]] = []
    seen = copied = position = 0
    end = len(data)
    while position < end:
        tag, start = data[position], position
        if tag == _HEADER:
            # Nearly all headers are a key, a value and nothing else, with lengths of a single byte.
            size, key = data[position + 1], position + 4
            stop = position + 2 + size
            if 4 <= size < 0x80 and stop <= end and data[position + 2] == _KEY:
                value = key + data[position + 3] + 2
                if value <= stop and data[value - 2] == _VALUE and data[value - 1] == stop - value:
                    headers.append((data[key : value - 2].decode(), data[value:stop].decode()))
                    position = stop
                    continue
        position += 1
        if tag >= 0x80:
            tag, position = _read_varint(data, start)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            content = data[position]
            position += 1
            if content >= 0x80:
                content, position = _read_varint(data, position - 1)
            if 1 <= number <= 4:
                numbers[number] = content
                seen |= 1 << number
        elif wire_type != _LENGTH:
            position = _skip(wire_type, position, end)
        elif tag == _PAYLOAD:
            payload, position = _read_bytes(data, position)
            if copied:
                after += data[copied:start]
            else:
                before = data[:start]
            copied = position
        else:
            text, position = _read_bytes(data, position)
            if number == 5:
                headers.append(_decode_header(text))
            elif 6 <= number <= 9:
                texts[number] = text
    if seen != _REQUIRED:
        raise FrameError("a required field is missing")
    if copied:
        after += data[copied:]
    else:
        before = data
    _, seq_id, log_id, service, method = numbers
    return Frame(
        seq_id,
        log_id,
        _int32(service),
        _int32(method),
        tuple(headers),
        texts[6].decode(),
        texts[7].decode(),
        payload,
        texts[9].decode(),
        before,
        after,
    )


def _decode_header(data: bytes) -> tuple[str, str]:
    key: bytes | None = None
    value: bytes | None = None
    position, end = 0, len(data)
    while position < end:
        tag, position = _read_varint(data, position)
        if tag == _KEY:
            key, position = _read_bytes(data, position)
        elif tag == _VALUE:
            value, position = _read_bytes(data, position)
        elif tag & 7 == _VARINT:
            _, position = _read_varint(data, position)
        elif tag & 7 == _LENGTH:
            _, position = _read_bytes(data, position)
        else:
            position = _skip(tag & 7, position, end)
    if key is None or value is None:
        raise FrameError("a header lacks its key or its value")
    return key.decode(), value.decode()


def _header(key: str, value: str) -> bytes:
    out, header = bytearray(), bytearray()
    _write_bytes(header, _KEY, key.encode())
    _write_bytes(header, _VALUE, value.encode())
    _write_bytes(out, _HEADER, header)
    return bytes(out)


# What is added to answers is a small number of milliseconds, nearly always one that was added before.
_added_header = lru_cache(512)(_header)


def _write_bytes(out: bytearray, tag: int, content: bytes | bytearray) -> None:
    out.append(tag)
    _write_varint(out, len(content))
    out += content


def _write_varint(out: bytearray, value: int) -> None:
    # Negative numbers travel as their 64-bit two's complement, ten bytes long.
    value &= 0xFFFF_FFFF_FFFF_FFFF
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    byte = data[position]
    if byte < 0x80:
        return byte, position + 1
    value = byte & 0x7F
    byte = data[position + 1]
    if byte < 0x80:  # as most lengths
        return value | byte << 7, position + 2
    value, shift = value | (byte & 0x7F) << 7, 14
    for index in range(position + 2, position + _MAX_VARINT_BYTES):
        byte = data[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, index + 1
        shift += 7
    raise FrameError("a number is longer than 64 bits")


def _read_bytes(data: bytes, position: int) -> tuple[bytes, int]:
    length, start = _read_varint(data, position)
    stop = start + length
    if stop > len(data):
        raise FrameError("the frame is cut short")
    return data[start:stop], stop


def _skip(wire_type: int, position: int, end: int) -> int:
    width = {_FIXED64: 8, _FIXED32: 4}.get(wire_type)
    if width is None:
        raise FrameError("a field has an unknown wire type")
    if position + width > end:
        raise FrameError("the frame is cut short")
    return position + width


def _int32(value: int) -> int:
    value &= 0xFFFF_FFFF
    return value - 0x1_0000_0000 if value & 0x8000_0000 else value
