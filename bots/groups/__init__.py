"""Groups that a bot is in, and which of their messages it answers."""
