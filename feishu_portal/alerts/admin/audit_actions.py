"""Names of this app's actions in the audit log."""

from django.utils.translation import gettext_lazy as _

from core.access.audit_actions import name_actions

name_actions(
    {
        "alert_receiver.created": _("Alert receiver added"),
        "alert_receiver.updated": _("Alert receiver changed"),
        "alert_receiver.deleted": _("Alert receiver deleted"),
        "alert_group.acknowledged": _("Alerts acknowledged"),
        "alert_group.silenced": _("Alerts silenced"),
    }
)
