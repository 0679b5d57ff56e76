"""Messages sent as a bot for API clients."""
