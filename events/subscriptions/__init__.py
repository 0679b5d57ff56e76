"""Deliveries to internal systems, pushed or pulled."""
