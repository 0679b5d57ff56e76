import pytest

from feishu.pictures import media_type


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0...", "image/jpeg"),
        (b"GIF89a...", "image/gif"),
        (b"GIF87a...", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\0\0\0WAVEfmt ", ""),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', ""),
        (b"<!doctype html>\x89PNG\r\n\x1a\n", ""),
        (b"\x89PNG", ""),
        (b"", ""),
    ],
)
def test_kind_of_a_picture_is_told_by_its_bytes(content: bytes, kind: str) -> None:
    assert media_type(content) == kind
