import gzip
import zlib

import pytest

from feishu.long_connection.compression import MAX_DECOMPRESSED, NotDecompressed, decompressed


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " gzip ", "x-gzip"])
def test_compressed_payload_is_decompressed(encoding):
    assert decompressed(gzip.compress(b'{"a":1}'), encoding) == b'{"a":1}'


def test_zlib_is_decompressed_too():
    assert decompressed(zlib.compress(b"{}"), "deflate") == b"{}"


def test_parts_that_were_compressed_one_by_one_are_joined():
    assert decompressed(gzip.compress(b'{"a"') + gzip.compress(b":1}"), "gzip") == b'{"a":1}'


@pytest.mark.parametrize("encoding", ["", "none", "identity", "snappy"])
def test_other_encodings_leave_the_payload_as_it_is(encoding):
    assert decompressed(b"{}", encoding) == b"{}"


def test_payload_of_the_largest_size_passes():
    assert len(decompressed(gzip.compress(bytes(MAX_DECOMPRESSED)), "gzip")) == MAX_DECOMPRESSED


@pytest.mark.parametrize(
    "payload",
    [
        gzip.compress(bytes(MAX_DECOMPRESSED + 1)),
        gzip.compress(bytes(MAX_DECOMPRESSED)) + gzip.compress(b"x"),
        gzip.compress(b"") * 5_000,
        gzip.compress(b"{}")[:-4],
        gzip.compress(b"{}") + b"rest",
        b"{}",
    ],
    ids=["bomb", "bomb in parts", "too many parts", "cut short", "rubbish behind", "not compressed"],
)
def test_bombs_and_rubbish_are_refused(payload):
    with pytest.raises(NotDecompressed):
        decompressed(payload, "gzip")
