"""A `multipart/form-data` body (RFC 7578), as uploads have it."""

from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser

from sandbox.errors import PlatformError


@dataclass(frozen=True, slots=True)
class Part:
    """`filename` is "" for a plain field."""

    filename: str
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


def parse(body: bytes, content_type: str) -> dict[str, Part]:
    """The parts by their names. Raises PlatformError 234001."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise PlatformError(234001, "Invalid request param, the body is not multipart/form-data.")
    parts = {}
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        if piece.startswith(b"--"):
            break
        head, _, content = piece.partition(b"\r\n\r\n")
        about = BytesHeaderParser().parsebytes(head.lstrip(b"\r\n"))
        name = about.get_param("name", header="content-disposition")
        if isinstance(name, str):
            parts[name] = Part(_text(about.get_param("filename", "", header="content-disposition")), content)
    return parts


def _text(value: object) -> str:
    """A parameter of a header that may hold raw UTF-8."""
    return (
        value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if isinstance(value, str) else ""
    )
