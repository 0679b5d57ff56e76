"""Text out of a body that is still coming: JSON objects a line each, or server-sent events with one in each.

An object has ``text``, or is what language models stream over OpenAI's API: ``choices`` with a ``delta``. A line counts when its
end has come, so a body that breaks off anywhere loses the line it broke off in and nothing else.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Any, Final

MAX_LINE: Final = 256 * 1024
"""Bytes."""
END: Final = b"[DONE]"


class LineError(ValueError):
    """A line that is no text for a reply; the message is for whoever wrote it."""


class TextLines:
    """Takes a body's bytes and gives its text. ``is_over`` when the body itself has said that it ends."""

    def __init__(self, *, events: bool) -> None:
        self.is_over = False
        self._events = events
        self._rest = b""
        self._data: list[bytes] = []
        self._number = 0

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The text of the lines that are whole now. Raises LineError."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines and not self._number:
            lines[0] = lines[0].removeprefix(BOM_UTF8)
        for line in lines:
            yield from self._line(line)
        if len(self._rest) > MAX_LINE:
            raise LineError(f"Line {self._number + 1} has more than {MAX_LINE} bytes.")

    def end(self) -> Iterator[str]:
        """The text of what came last, where the body ended well without the end of a line. Raises LineError."""
        line, self._rest = self._rest, b""
        yield from self._line(line)
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[str]:
        self._number += 1
        line = line.strip(b"\r")
        if self.is_over:
            return
        if not self._events:
            yield from self._text(line)
        elif line.startswith(b"data:"):
            self._data.append(line.removeprefix(b"data:").removeprefix(b" "))
        elif not line:
            data, self._data = b"\n".join(self._data), []
            yield from self._text(data)

    def _text(self, written: bytes) -> Iterator[str]:
        written = written.strip()
        if written == END:
            self.is_over = True
        elif written:
            try:
                text = _text_of(json.loads(written))
            except (ValueError, RecursionError):
                raise LineError(f"Line {self._number} is no JSON object with a text.") from None
            if text:
                yield text


def _text_of(value: Any) -> str:
    """Raises ValueError for what has none."""
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 -- of a caller's text
    if "text" in value:
        text = value["text"]
    elif isinstance(value.get("choices"), list):
        choices = [one for one in value["choices"] if isinstance(one, dict)]
        delta = choices[0].get("delta") if choices else None
        text = (delta.get("content") if isinstance(delta, dict) else None) or ""
    else:
        raise ValueError
    if not isinstance(text, str):
        raise ValueError  # noqa: TRY004 -- of a caller's text
    text.encode()  # half a surrogate pair is no text
    return text
