"""The binary frame of the long connection: a proto2 message `Frame`, one per WebSocket message.

    Header { required string key = 1; required string value = 2; }
    Frame  { required uint64 SeqID = 1; required uint64 LogID = 2; required int32 service = 3;
             required int32 method = 4; repeated Header headers = 5; optional string payload_encoding = 6;
             optional string payload_type = 7; optional bytes payload = 8; optional string LogIDNew = 9; }

Field numbers and labels as in the official SDK (`lark_oapi/ws/pb/pbbp2_pb2.py`). Written by hand because the
message is small, because the SDK takes seconds to import, and because its runtime accepts frames without
their required fields.
"""

from dataclasses import dataclass, field
from typing import Final

from feishu.errors import FrameError

CONTROL: Final = 0
"""`method` of a ping or a pong."""
DATA: Final = 1
"""`method` of an event, a card click, or the answer to one."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_REQUIRED = 0b1111
_MAX_VARINT_BYTES = 10


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame; headers keep their order, and unknown ones are kept, because an answer repeats them."""

    seq_id: int = 0
    log_id: int = 0
    service: int = 0
    method: int = CONTROL
    headers: tuple[tuple[str, str], ...] = ()
    payload_encoding: str = ""
    payload_type: str = ""
    payload: bytes = field(default=b"", repr=False)
    log_id_new: str = ""

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
        _write_header(out, key, value)
    for tag, content in (
        (0x32, frame.payload_encoding.encode()),
        (0x3A, frame.payload_type.encode()),
        (0x42, frame.payload),
        (0x4A, frame.log_id_new.encode()),
    ):
        if content:
            _write_bytes(out, tag, content)
    return bytes(out)


def decode(data: bytes) -> Frame:
    """Read a frame; unknown fields are skipped. Raises FrameError for anything that is not one."""
    numbers = [0, 0, 0, 0, 0]
    contents = [b""] * 10
    headers: list[tuple[str, str]] = []
    seen = position = 0
    end = len(data)
    try:
        while position < end:
            tag, position = _read_varint(data, position)
            number, wire_type = tag >> 3, tag & 7
            if wire_type == _VARINT:
                value, position = _read_varint(data, position)
                if 1 <= number <= 4:
                    numbers[number] = value
                    seen |= 1 << (number - 1)
            elif wire_type == _LENGTH:
                content, position = _read_bytes(data, position)
                if number == 5:
                    headers.append(_decode_header(content))
                elif 6 <= number <= 9:
                    contents[number] = content
            else:
                position = _skip(wire_type, position, end)
        if seen != _REQUIRED:
            raise FrameError("a required field is missing")
        return Frame(
            seq_id=numbers[1],
            log_id=numbers[2],
            service=_int32(numbers[3]),
            method=_int32(numbers[4]),
            headers=tuple(headers),
            payload_encoding=contents[6].decode(),
            payload_type=contents[7].decode(),
            payload=contents[8],
            log_id_new=contents[9].decode(),
        )
    except IndexError as error:
        raise FrameError("the frame is cut short") from error
    except UnicodeDecodeError as error:
        raise FrameError("a string of the frame is not UTF-8") from error


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


def _write_header(out: bytearray, key: str, value: str) -> None:
    header = bytearray()
    _write_bytes(header, 0x0A, key.encode())
    _write_bytes(header, 0x12, value.encode())
    _write_bytes(out, 0x2A, header)


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
