"""Text from outside on its way into a column."""


def storable(text: str, limit: int) -> str:
    """``text`` as every database takes it: PostgreSQL stores no NUL, UTF-8 no half of a surrogate pair, and a column of
    ``limit`` characters not one more."""
    if text.isascii() and "\x00" not in text:
        return text[:limit]
    return text.replace("\x00", "").encode(errors="replace").decode()[:limit]
