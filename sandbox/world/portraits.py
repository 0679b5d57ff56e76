"""Pictures of people, as PNG like the platform's: somebody before a colour, the same for the same name."""

import math
import struct
import zlib
from functools import lru_cache
from typing import Final, TypeAlias
from urllib.parse import quote

Colour: TypeAlias = tuple[float, float, float]
"""Red, green and blue, up to 255."""

SIZE: Final = 96
"""Pixels of width and height."""
_GROUNDS: Final = ("cfe0ff", "d9f2e3", "ffe3cc", "e8dcff", "ffdce4", "d3eef7", "fff0bf")
_SHIRTS: Final = ("2860e1", "0a7d55", "c8322d", "7f3bf5", "a85a00", "00739b", "3d4653")
_HAIRS: Final = ("1f1a1a", "2b211d", "3d2a20", "54372a")
_SKINS: Final = ("f6cfae", "edbd97", "e0a97f", "f9dac0")
_INK: Final = "3a2a26"


def portrait_url(base_url: str, name: str) -> str:
    return f"{base_url.rstrip('/')}/sandbox/portrait/{quote(name, safe='')}.png"


@lru_cache(maxsize=256)
def portrait(name: str) -> bytes:
    """A PNG of 96 by 96."""
    ground, shapes = _drawing(zlib.crc32(name.encode()))
    rows = [b"\0" + _row(y + 0.5, ground, shapes) for y in range(SIZE)]  # 0: a row without a filter
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)  # 8 bits each of red, green and blue
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


class _Ellipse:
    """Between ``top`` and ``bottom``; with an ``outline``, a line as wide as that."""

    def __init__(
        self,
        colour: str,
        middle: tuple[float, float],
        radii: tuple[float, float],
        *,
        top: float = 0,
        bottom: float = SIZE,
        outline: float = 0,
    ) -> None:
        self.colour = _parts(colour)
        self._x, self._y = middle
        self._rx, self._ry = radii
        self._outline = outline
        self._top = max(top, self._y - self._ry - 1)
        self._bottom = min(bottom, self._y + self._ry + 1)

    def columns(self, y: float) -> range:
        """Where a row of pixels may be covered."""
        if not self._top - 1 < y < self._bottom + 1:
            return range(0)
        return range(max(0, int(self._x - self._rx - 1)), min(SIZE, int(self._x + self._rx + 2)))

    def covers(self, x: float, y: float) -> float:
        """How much of the pixel around this point, from 0 to 1."""
        away = math.hypot((x - self._x) / self._rx, (y - self._y) / self._ry) - 1
        outside = away * min(self._rx, self._ry)
        if self._outline:
            outside = abs(outside) - self._outline / 2
        outside = max(outside, self._top - y, y - self._bottom)
        return min(1.0, max(0.0, 0.5 - outside))


def _drawing(number: int) -> tuple[Colour, list[_Ellipse]]:
    """The ground, and the shapes from the back to the front; the number chooses colours and hair."""
    is_long = number & 8
    number, ground = divmod(number, len(_GROUNDS))
    number, shirt = divmod(number, len(_SHIRTS))
    number, hair = divmod(number, len(_HAIRS))
    number, skin = divmod(number, len(_SKINS))
    parting = (-5, 0, 5)[number % 3]
    behind = [_Ellipse(_HAIRS[hair], (48, 52), (27, 33), bottom=76)] if is_long else []
    return _parts(_GROUNDS[ground]), [
        *behind,
        _Ellipse(_SHIRTS[shirt], (48, 106), (37, 32)),
        _Ellipse(_SKINS[skin], (48, 70), (9, 13)),
        _Ellipse(_HAIRS[hair], (48, 42), (23, 25), bottom=46),
        _Ellipse(_SKINS[skin], (48, 46), (19.5, 22)),
        _Ellipse(_HAIRS[hair], (48 + parting, 26), (18, 10)),
        _Ellipse(_INK, (41, 46), (2, 2.4)),
        _Ellipse(_INK, (55, 46), (2, 2.4)),
        _Ellipse(_INK, (48, 50), (8, 8), top=54.5, outline=2),
    ]


def _row(y: float, ground: Colour, shapes: list[_Ellipse]) -> bytes:
    row = [ground] * SIZE
    for shape in shapes:
        for x in shape.columns(y):
            if part := shape.covers(x + 0.5, y):
                row[x] = _mixed(row[x], shape.colour, part)
    return bytes(round(value) for colour in row for value in colour)


def _mixed(below: Colour, above: Colour, part: float) -> Colour:
    red, green, blue = (under + (over - under) * part for under, over in zip(below, above, strict=True))
    return red, green, blue


def _parts(colour: str) -> Colour:
    red, green, blue = bytes.fromhex(colour)
    return red, green, blue


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
