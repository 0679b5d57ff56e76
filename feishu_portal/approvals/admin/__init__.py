"""Approvals in the console."""

from feishu_portal.approvals.admin import approvals, audit_actions, built_in_handlers

__all__ = ["approvals", "audit_actions", "built_in_handlers"]
