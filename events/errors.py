"""What can go wrong with stored events."""


class StaleClaimError(Exception):
    """Another worker took the handler run or the delivery over; what was done here is rolled back."""


class SearchTooSlowError(Exception):
    """The database gave up on a search; a narrower one will do."""


class TooManySearchesError(SearchTooSlowError):
    """As many searches are under way as may be, of everybody or of the one who asks; the same one will do in a moment."""
