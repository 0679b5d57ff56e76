"""The processes of an installation: their heartbeats, and what is missing where some do not run."""
