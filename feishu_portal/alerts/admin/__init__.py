"""Alert receivers and alert groups in the console."""

from feishu_portal.alerts.admin import audit_actions, built_in_handlers, groups, receivers

__all__ = ["audit_actions", "built_in_handlers", "groups", "receivers"]
