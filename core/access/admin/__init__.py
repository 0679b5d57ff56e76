"""Operators, API clients and the audit log in the console."""

from core.access.admin import api_clients, audit_log, operators

__all__ = ["api_clients", "audit_log", "operators"]
