"""Pictures of bots and groups: a letter on a colour, as SVG."""

import zlib
from urllib.parse import quote
from xml.sax.saxutils import escape

_COLOURS = ("#2860e1", "#7f3bf5", "#0a7d55", "#c8322d", "#a85a00", "#00739b", "#b02ab0", "#4e5969")


def avatar_url(base_url: str, name: str) -> str:
    return f"{base_url.rstrip('/')}/sandbox/avatar/{quote(name, safe='')}.svg"


def colour(name: str) -> str:
    return _COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]


def avatar(name: str) -> bytes:
    """An SVG of 72 by 72: the last character of a Chinese name, the initials of another."""
    letters = (
        name[-2:] if name and ord(name[-1]) > 0x2E80 else "".join(w[0] for w in name.split()[:2]).upper()
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="72" height="72" viewBox="0 0 72 72">'
        f'<rect width="72" height="72" fill="{colour(name)}"/>'
        '<text x="36" y="37" fill="#fff" font-family="sans-serif" font-size="26" font-weight="500"'
        f' text-anchor="middle" dominant-baseline="central">{escape(letters)}</text></svg>'
    ).encode()
