"""What can go wrong with alerts."""


class SilenceNotSet(Exception):
    """Alertmanager took no silence; the message says why, as ``events.subscriptions.http.failures`` stores it."""
