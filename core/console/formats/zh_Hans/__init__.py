"""One of the languages of the formats."""
