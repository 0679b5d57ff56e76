"""Revoking grants: here at once, at the platform as soon as it answers."""
