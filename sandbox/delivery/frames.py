"""A payload in the frames of the long connection: headers, pieces, and whether an ack answers them."""

import gzip
import random
import secrets
import zlib
from itertools import pairwise

from feishu.frames import CONTROL, DATA, Frame
from sandbox.world import ids
from sandbox.world.connections import Connection
from sandbox.world.faults import DeliveryFault, Encoding

BIG_PAYLOAD = 64 * 1024
"""Bytes from which a payload travels in pieces; where the platform draws the line is not documented."""


def data_frames(
    connection: Connection, payload: bytes, *, kind: str, now_ms: int, fault: DeliveryFault
) -> tuple[str, tuple[Frame, ...]]:
    """The frame message id and the frames that carry the payload, in order."""
    message_id = ids.frame_message_id()
    encoding, payload = _encoded(payload, fault.encoding)
    pieces = _pieces(payload, fault.chunks)
    shared = (
        ("type", kind),
        ("message_id", message_id),
        ("trace_id", ids.log_id()),
        ("sum", str(len(pieces))),
    )
    origin = (("timestamp", str(now_ms)), ("instance_id", connection.instance_id))
    frames = tuple(
        Frame(
            seq_id=secrets.randbits(48),
            log_id=secrets.randbits(63),
            service=connection.service_id,
            method=DATA,
            headers=(*shared, ("seq", str(seq)), *origin),
            payload_encoding=encoding,
            payload=piece,
        )
        for seq, piece in enumerate(pieces)
    )
    return message_id, frames


def pong(connection: Connection, payload: bytes, encoding: Encoding | None) -> Frame:
    name, payload = _encoded(payload, encoding)
    return Frame(
        service=connection.service_id,
        method=CONTROL,
        headers=(("type", "pong"),),
        payload_encoding=name,
        payload=payload,
    )


def _encoded(payload: bytes, encoding: Encoding | None) -> tuple[str, bytes]:
    """What the frame says of its payload, and the payload. No SDK decompresses; nothing was seen to come compressed."""
    match encoding:
        case "gzip":
            return "gzip", gzip.compress(payload)
        case "deflate":
            return "deflate", zlib.compress(payload)
        case "not_gzip":
            return "gzip", payload
        case None:
            return "", payload


def answers(ack: Frame, frame: Frame) -> bool:
    """Whether the ack repeats the frame: ids, service, method, and every header in its order.

    A `LogID` may be rounded to 53 bits, which is all that a number of JavaScript holds.
    """
    echoed = tuple(header for header in ack.headers if header[0] != "biz_rt")
    return (ack.seq_id, float(ack.log_id), ack.service, ack.method, echoed) == (
        frame.seq_id,
        float(frame.log_id),
        frame.service,
        frame.method,
        frame.headers,
    )


def _pieces(payload: bytes, wanted: int) -> list[bytes]:
    """Cut at random places when a number of pieces is asked for, else only what is big."""
    if wanted > 1:
        places = random.sample(range(1, len(payload)), min(wanted, len(payload)) - 1) if payload else []
        cuts = [0, *sorted(places), len(payload)]
        return [payload[start:stop] for start, stop in pairwise(cuts)]
    if len(payload) <= BIG_PAYLOAD:
        return [payload]
    return [payload[start : start + BIG_PAYLOAD] for start in range(0, len(payload), BIG_PAYLOAD)]
