"""Bots and their connections in the console."""

from bots.admin import (
    audit_actions,
    batches,
    bots,
    card_templates,
    incidents,
    losses,
    overview,
    people,
    processes,
    search,
    sendings,
    slots,
    streams,
)

__all__ = [
    "audit_actions",
    "batches",
    "bots",
    "card_templates",
    "incidents",
    "losses",
    "overview",
    "people",
    "processes",
    "search",
    "sendings",
    "slots",
    "streams",
]
