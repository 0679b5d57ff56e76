"""Pages of docs/reference that are made of the code. ``make docs`` writes them, tests compare them."""
