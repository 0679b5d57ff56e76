"""Replies that grow: cards into which text is typed while it is being written."""
