"""The custom bots of groups."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sandbox.world.limits import Window

_KEPT: Final = 1_000


@dataclass(slots=True, kw_only=True)
class Hook:
    """`secret` "" asks for no signature; `keywords` empty lets every text through."""

    token: str
    chat_id: str
    name: str
    clock: Callable[[], float]
    secret: str = ""
    keywords: tuple[str, ...] = ()
    per_second: Window = field(init=False)
    per_minute: Window = field(init=False)

    def __post_init__(self) -> None:
        self.per_second = Window(5, 1.0, self.clock)
        self.per_minute = Window(100, 60.0, self.clock)


class Hooks:
    """By token, the oldest forgotten."""

    def __init__(self) -> None:
        self._hooks: OrderedDict[str, Hook] = OrderedDict()

    def add(self, hook: Hook) -> None:
        self._hooks[hook.token] = hook
        if len(self._hooks) > _KEPT:
            self._hooks.popitem(last=False)

    def all(self) -> list[Hook]:
        return list(self._hooks.values())

    def get(self, token: str) -> Hook | None:
        return self._hooks.get(token)
