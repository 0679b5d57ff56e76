"""Taking Verification Tokens out of stored events, should one hold any: they are blanked before an event is stored."""

from collections.abc import Callable

from events.models import Event
from feishu.blanking import without_any_token, without_token
from feishu.envelope import parse
from feishu.errors import EnvelopeError

BATCH = 500


def blank_tokens(*, on_progress: Callable[[int], None] = lambda _count: None) -> int:
    """Blank the Verification Token in every stored event; returns how many had one. Safe beside a running portal: a payload
    is never changed otherwise."""
    changed, after = 0, 0
    while True:
        rows = list(Event.objects.filter(pk__gt=after).order_by("pk").only("payload")[:BATCH])
        if not rows:
            return changed
        for row in rows:
            payload = bytes(row.payload)
            if (blanked := _blanked(payload)) != payload:
                changed += Event.objects.filter(pk=row.pk).update(payload=blanked)
        on_progress(len(rows))
        after = rows[-1].pk


def _blanked(payload: bytes) -> bytes:
    try:
        return without_token(payload, parse(payload).token)
    except EnvelopeError:
        return without_any_token(payload)
