"""The approvals of calls."""

from feishu_portal.approvals.models.call_approvals import CallApproval, StoredAnswer, StoredCall

__all__ = ["CallApproval", "StoredAnswer", "StoredCall"]
