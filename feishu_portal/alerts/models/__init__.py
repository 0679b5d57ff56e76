"""Alert receivers and the groups of alerts that they got."""

from feishu_portal.alerts.models.groups import AlertGroup
from feishu_portal.alerts.models.receivers import AlertReceiver

__all__ = ["AlertGroup", "AlertReceiver"]
