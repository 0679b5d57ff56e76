"""How close a registered redirect URL comes to the one that is needed. Pure.

The platform documents only that a URL which is not in the list is refused, so anything but the same text counts as
another URL.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from urllib.parse import SplitResult, urlsplit

from feishu.text import Text


class UrlPart(Enum):
    """Where two URLs of the same path differ."""

    SCHEME = Text("http 与 https", "http or https")
    HOST = Text("主机名或端口", "host or port")
    SLASH = Text("结尾的斜杠", "the slash at the end")
    CASE = Text("路径的大小写", "upper and lower case of the path")
    QUERY = Text("查询参数", "the query")


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A registered URL that was probably meant to be the needed one."""

    url: str
    differs_in: tuple[UrlPart, ...]


def nearest(needed: str, registered: Iterable[str]) -> NearMiss | None:
    """The URL that differs in the fewest parts, among those that lead to the same path."""
    misses = [miss for url in registered if (miss := _compare(needed, url)) is not None]
    return min(misses, key=lambda miss: len(miss.differs_in), default=None)


def _compare(needed: str, url: str) -> NearMiss | None:
    try:
        right, wrong = urlsplit(needed), urlsplit(url.strip())
    except ValueError:
        return None
    if right.path.rstrip("/").casefold() != wrong.path.rstrip("/").casefold():
        return None
    return NearMiss(url, tuple(part for part, differs in _differences(right, wrong) if differs))


def _differences(right: SplitResult, wrong: SplitResult) -> Iterable[tuple[UrlPart, bool]]:
    return (
        (UrlPart.SCHEME, right.scheme != wrong.scheme),
        (UrlPart.HOST, right.netloc != wrong.netloc),
        (UrlPart.SLASH, right.path.endswith("/") != wrong.path.endswith("/")),
        (UrlPart.CASE, right.path.rstrip("/") != wrong.path.rstrip("/")),
        (UrlPart.QUERY, (right.query, right.fragment) != (wrong.query, wrong.fragment)),
    )
