"""Replies that grow while they are written: typed into cards, and closed whatever becomes of who writes them."""
