"""A bot's webhook as operators see it: rotating its secrets, and which requests they proved or kept out."""
