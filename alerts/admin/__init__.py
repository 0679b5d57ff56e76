"""Alert receivers and alert groups in the console."""

from alerts.admin import audit_actions, groups, receivers

__all__ = ["audit_actions", "groups", "receivers"]
