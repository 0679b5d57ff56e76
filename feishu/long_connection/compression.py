"""Payloads that the platform compressed: a frame says so in `payload_encoding`.

The official SDKs decode the field and ignore it, and nothing has been seen to come compressed yet; a gateway may begin at any time.
"""

import zlib
from typing import Final

from feishu.long_connection.fragments import MAX_FRAGMENTS

MAX_DECOMPRESSED: Final = 8 * 1024 * 1024
"""Bytes of a payload; an event of the platform is smaller by far. What is larger is no event but an attack."""
_ENCODINGS: Final = frozenset({"gzip", "x-gzip", "deflate", "zlib"})
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32


class NotDecompressed(ValueError):
    """The payload is not what its encoding says, or too large."""


def decompressed(payload: bytes, encoding: str) -> bytes:
    """The payload as it was before it was compressed; as it is for an encoding that is none of compression.

    Raises NotDecompressed.
    """
    if encoding.strip().lower() not in _ENCODINGS:
        return payload
    out, rest, members = bytearray(), payload, 0
    try:
        while rest:  # fragments may have been compressed one by one
            members += 1
            if members > MAX_FRAGMENTS:
                raise NotDecompressed("too many parts")
            decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)
            out += decompressor.decompress(rest, MAX_DECOMPRESSED + 1 - len(out))
            if len(out) > MAX_DECOMPRESSED or decompressor.unconsumed_tail:
                raise NotDecompressed(f"more than {MAX_DECOMPRESSED} bytes")
            if not decompressor.eof:
                raise NotDecompressed("cut short")
            rest = decompressor.unused_data
    except zlib.error as error:
        raise NotDecompressed(str(error)) from error
    return bytes(out)
