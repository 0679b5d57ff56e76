"""Codes as people type and paste them."""

import unicodedata


def letters_and_digits(code: str) -> str:
    """Without blanks, hyphens and what is invisible, in small letters, and in the width of ASCII: Chinese keyboards write １２３."""
    plain = unicodedata.normalize("NFKC", code).lower()
    return "".join(character for character in plain if character.isalnum())
