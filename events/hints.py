"""Hints to the workers. Losing one delays the work by one sweep and loses nothing."""

from collections.abc import Sequence

from feishu_portal.access.hints import send_hint

EVENTS_IN_ONE_HINT = 200


def hint_dispatch(event_pks: Sequence[int]) -> None:
    """Tell the workers of new events."""
    from events.tasks import dispatch  # noqa: PLC0415 -- tasks import the domain, the domain sends hints

    for start in range(0, len(event_pks), EVENTS_IN_ONE_HINT):
        send_hint(dispatch.delay, list(event_pks[start : start + EVENTS_IN_ONE_HINT]))


def hint_deliveries(delivery_pks: Sequence[int]) -> None:
    """Tell the workers of deliveries that are due."""
    from events.tasks import deliver  # noqa: PLC0415 -- see above

    for pk in delivery_pks:
        send_hint(deliver.delay, pk)
