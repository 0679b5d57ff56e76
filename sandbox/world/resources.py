"""Pictures and files that were uploaded, by apps or by people, the oldest forgotten."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

MAX_BYTES: Final = 64 * 1024 * 1024

Kind: TypeAlias = Literal["image", "file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """`owner` is the app or the person that uploaded it; `type` is `opus`, `mp4`, `stream` and so on for a file."""

    key: str
    kind: Kind
    owner: str
    type: str
    name: str
    content: bytes


class Resources:
    """By key, up to 64 MiB of them."""

    def __init__(self) -> None:
        self._resources: OrderedDict[str, Resource] = OrderedDict()
        self._bytes = 0

    def add(self, *, kind: Kind, owner: str, type: str, name: str, content: bytes) -> Resource:
        key = f"{'img' if kind == 'image' else 'file'}_v3_{secrets.token_hex(4)}_{secrets.token_hex(16)}g"
        resource = Resource(key=key, kind=kind, owner=owner, type=type, name=name, content=content)
        self.keep(resource)
        return resource

    def keep(self, resource: Resource) -> None:
        self._resources[resource.key] = resource
        self._bytes += len(resource.content)
        while self._bytes > MAX_BYTES:
            _, oldest = self._resources.popitem(last=False)
            self._bytes -= len(oldest.content)

    def newest(self, size: int) -> list[Resource]:
        """The last ones that have at most `size` bytes together, oldest first."""
        chosen: list[Resource] = []
        for resource in reversed(self._resources.values()):
            size -= len(resource.content)
            if size < 0:
                break
            chosen.append(resource)
        return chosen[::-1]

    def get(self, key: object) -> Resource | None:
        return self._resources.get(key) if isinstance(key, str) else None
