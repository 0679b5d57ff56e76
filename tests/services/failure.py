"""What every service raises when it cannot be had, in words for the person who ran the tests."""


class ServiceError(RuntimeError):
    """A service the tests need is missing or did not start; the message says what to do."""
