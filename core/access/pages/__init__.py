"""Pages about signing in that belong to no list of the console."""
