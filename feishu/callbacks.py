"""Callbacks: what waits for an answer within 3 s and is never pushed again, unlike an event.

Known are card clicks, link previews and profile views (`card.action.trigger`, `url.preview.get`, `profile.view.get` on the
developer console's callback tab; the old card callback besides). Events are named for what has happened and end in a
version: whatever is to be got, `….get`, is a callback too, and `expect` names others that the platform may yet add.
"""

from collections.abc import Iterable
from typing import Final

CLICK: Final = "card.action.trigger"
OLD_CARD_CALLBACK: Final = "card.action.trigger_v1"
PREVIEW: Final = "url.preview.get"
PROFILE: Final = "profile.view.get"
CLICKS: Final = frozenset({CLICK, OLD_CARD_CALLBACK})
REQUEST_SUFFIX: Final = ".get"

_types: set[str] = {*CLICKS, PREVIEW, PROFILE}


def expect(event_types: Iterable[str]) -> None:
    """Treat these types as callbacks as well, from now on in this process."""
    _types.update(event_types)


def callback_types() -> frozenset[str]:
    """Those that are known by name."""
    return frozenset(_types)


def is_callback(event_type: str) -> bool:
    """Whether the platform waits for an answer to what has this type."""
    return event_type in _types or event_type.endswith(REQUEST_SUFFIX)
