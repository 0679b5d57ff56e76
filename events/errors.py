"""What can go wrong with stored events."""

from datetime import timedelta


class StaleClaimError(Exception):
    """Another worker took the handler run or the delivery over; what was done here is rolled back."""


class SearchTooSlowError(Exception):
    """The database gave up on a search; a narrower one will do."""


class TooManySearchesError(SearchTooSlowError):
    """As many searches are under way as may be, of everybody or of the one who asks; the same one will do in a moment."""


class MessagesAwaitedError(Exception):
    """What the event's message refers to could not be fetched yet, and is tried again after ``pause``."""

    def __init__(self, pause: timedelta) -> None:
        super().__init__(f"tried again in {pause.total_seconds():.0f} s")
        self.pause = pause
