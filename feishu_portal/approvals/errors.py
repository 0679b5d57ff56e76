"""Why nobody is asked."""


class NotAskedError(Exception):
    """A call that waits for no approval; ``code`` is for programs."""

    code = "approval_denied"


class DeniedLatelyError(NotAskedError):
    """The person has denied the very same call a moment ago."""


class AskedTooOftenError(NotAskedError):
    """As many calls wait for the person as may."""

    code = "too_many_approvals"
