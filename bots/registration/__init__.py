"""Bots by QR code: the portal registers an app on the platform, and makes a bot of it."""
