"""Greetings in the console."""

from feishu_portal.greetings.admin import audit_actions, built_in_handlers, greetings

__all__ = ["audit_actions", "built_in_handlers", "greetings"]
