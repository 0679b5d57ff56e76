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
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_REQUIRED = 0b1111
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

    Not read and written anew, so that it repeats what nobody here knows of, and costs a tenth.
    """
    out = bytearray(frame.before)
    for key, value in headers:
        out += _added_header(key, value)
    _write_bytes(out, _PAYLOAD, payload)
    out += frame.after
    return bytes(out)


def decode(data: bytes) -> Frame:
    """Read a frame; unknown fields are skipped. Raises FrameError for anything that is not one."""
    fields = _Fields(data)
    headers = fields.headers
    position, end = 0, len(data)
    try:
        while position < end:
            if data[position] == _HEADER:
                position = _read_short_headers(data, position, headers)
            if position < end:
                position = fields.read(position)
        return fields.frame()
    except IndexError as error:
        raise FrameError("the frame is cut short") from error
    except UnicodeDecodeError as error:
        raise FrameError("a string of the frame is not UTF-8") from error


class _Fields:
    """What has been read of a frame so far."""

    __slots__ = ("_contents", "_copied", "_data", "_numbers", "_others", "_seen", "headers")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._numbers = [0, 0, 0, 0, 0]
        self._contents = [b""] * 10
        self._seen = self._copied = 0
        self._others: list[bytes] = []
        self.headers: list[tuple[str, str]] = []

    def read(self, start: int) -> int:
        """The field at `start`; where the next one begins."""
        data = self._data
        tag, position = data[start], start + 1
        if tag >= 0x80:
            tag, position = _read_varint(data, start)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, position = _read_varint(data, position)
            if 1 <= number <= 4:
                self._numbers[number] = value
                self._seen |= 1 << (number - 1)
            return position
        if wire_type != _LENGTH:
            return _skip(wire_type, position, len(data))
        content, position = _read_bytes(data, position)
        if number == 5:
            self.headers.append(_decode_header(content))
        elif 6 <= number <= 9:
            self._contents[number] = content
        if tag == _PAYLOAD:
            self._others.append(data[self._copied : start])
            self._copied = position
        return position

    def frame(self) -> Frame:
        if self._seen != _REQUIRED:
            raise FrameError("a required field is missing")
        numbers, contents, others = self._numbers, self._contents, self._others
        others.append(self._data[self._copied :])
        return Frame(
            numbers[1],
            numbers[2],
            _int32(numbers[3]),
            _int32(numbers[4]),
            tuple(self.headers),
            contents[6].decode(),
            contents[7].decode(),
            contents[8],
            contents[9].decode(),
            others[0],
            b"".join(others[1:]),
        )


def _read_short_headers(data: bytes, position: int, headers: list[tuple[str, str]]) -> int:
    """Add the headers from `position` on that are like nearly all of them: key, value, nothing else, and every length a
    single byte. Returns where something else begins. Raises IndexError where the frame is cut short."""
    end = len(data)
    while position < end and data[position] == _HEADER:
        size = data[position + 1]
        stop = position + 2 + size
        if not 4 <= size < 0x80 or stop > end or data[position + 2] != 0x0A:
            break
        key = position + 4
        value = key + data[position + 3] + 2
        if value > stop or data[value - 2] != 0x12 or data[value - 1] != stop - value:
            break
        headers.append((data[key : value - 2].decode(), data[value:stop].decode()))
        position = stop
    return position


def _decode_header(data: bytes) -> tuple[str, str]:
    key: bytes | None = None
    value: bytes | None = None
    position, end = 0, len(data)
    while position < end:
        tag, position = _read_varint(data, position)
        if tag == 0x0A:
            key, position = _read_bytes(data, position)
        elif tag == 0x12:
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
    _write_bytes(header, 0x0A, key.encode())
    _write_bytes(header, 0x12, value.encode())
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
    value, shift = byte & 0x7F, 7
    for index in range(position + 1, position + _MAX_VARINT_BYTES):
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
