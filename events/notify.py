"""Notifications to the workers about events. Losing one delays the work by one sweep and loses nothing."""

from core.background.notify import notify


def notify_worker() -> bool:
    """There are events to dispatch or handlers to run; returns whether the message was sent."""
    return notify("events.work")


def notify_pusher() -> bool:
    """There are deliveries to push to subscriptions; returns whether the message was sent."""
    return notify("events.deliver")


def notify_replayer() -> bool:
    """There is a replay to advance; returns whether the message was sent."""
    return notify("events.replay")


def notify_buttons(event_pk: int) -> bool:
    """The buttons of a clicked card count again; returns whether the message was sent."""
    return notify("events.enable_buttons", event_pk)
