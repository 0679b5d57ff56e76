"""Pages of the people who are asked: the whole call with their answer, and what goes on for an hour on a person's own page."""
