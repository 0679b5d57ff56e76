"""What can be wrong with a second factor."""


class FactorLimitError(Exception):
    """The operator has as many factors of this kind as one may have."""


class FactorRefusedError(Exception):
    """What the browser sent proves nothing: it is malformed, of another request, or too late."""
