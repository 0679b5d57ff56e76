"""The ground floor: what every app stands on. It knows none of them."""

__version__ = "0.1.0"
