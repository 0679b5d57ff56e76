"""Pictures that a page may show: which kind one is, as its bytes tell. What the sender calls it counts for nothing."""

from typing import Final

_KINDS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def media_type(content: bytes) -> str:
    """``image/png``, ``image/jpeg``, ``image/gif`` or ``image/webp``; empty for everything else, SVG among it, which may hold
    scripts."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _KINDS if content.startswith(magic)), "")
