"""Alert receivers and the groups of alerts that they got."""

from alerts.models.groups import AlertGroup
from alerts.models.receivers import AlertReceiver

__all__ = ["AlertGroup", "AlertReceiver"]
