"""Notifying open pages that rows have changed.

A notification is a topic and the keys of rows, without contents. A page that gets one reads the rows again, as far as its
operator may see them, and reads them every few seconds anyway. So notifications may be lost, doubled and reordered, and
sending one waits for nothing.
"""

from collections.abc import Iterable

from channels.layers import get_channel_layer

from core.console.live.changes import ANYTHING
from core.console.live.hub import publish_locally
from core.console.live.outbox import OUTBOX


def changed(topic: str, keys: Iterable[object] | None = ANYTHING) -> None:
    """Notify pages of these rows, after the commit. Returns at once, raises nothing, and may be called on any thread."""
    texts = ANYTHING if keys is ANYTHING else [str(key) for key in keys]
    if get_channel_layer() is None:
        publish_locally(topic, texts)
    else:
        OUTBOX.put(topic, texts)
