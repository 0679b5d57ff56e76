"""Hints to the workers. Losing one delays the work by one sweep and loses nothing."""

from feishu_portal.access.hints import send_hint


def hint_work() -> bool:
    """Tell a worker that there are events or deliveries to look at; returns whether it could be told."""
    from events.tasks import work  # noqa: PLC0415 -- tasks import the domain, the domain sends hints

    return send_hint(work.delay)


def hint_deliveries() -> bool:
    """Tell a worker that there is something to push to a subscription; returns whether it could be told."""
    from events.tasks import deliver  # noqa: PLC0415 -- see above

    return send_hint(deliver.delay)


def hint_buttons(event_pk: int) -> bool:
    """Tell a worker that the buttons of a clicked card count again; returns whether it could be told."""
    from events.tasks import enable_buttons  # noqa: PLC0415 -- see above

    return send_hint(enable_buttons.delay, event_pk)
