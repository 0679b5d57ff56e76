"""Operators, API clients and the audit log in the console."""

from core.access.admin import accounts, api_clients, audit_log

__all__ = ["accounts", "api_clients", "audit_log"]
