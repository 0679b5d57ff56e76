"""Message cards: what the platform accepts, and what it makes of them."""
