"""What can go wrong with stored events."""


class SearchTooSlowError(Exception):
    """The database gave up on a search; a narrower one will do."""
