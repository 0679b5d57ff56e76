"""Words of the audit log for what the app does."""

from django.utils.translation import gettext_lazy as _

from core.access.audit_actions import name_actions
from feishu_portal.alerts.models import AlertReceiver

name_actions(
    {
        "alert_receiver.created": (
            _("Alert receiver added"),
            _("%(actor)s added the alert receiver %(target)s"),
        ),
        "alert_receiver.updated": (
            _("Alert receiver changed"),
            _("%(actor)s changed the alert receiver %(target)s"),
        ),
        "alert_receiver.deleted": (
            _("Alert receiver deleted"),
            _("%(actor)s deleted the alert receiver %(target)s"),
        ),
        "alert_group.acknowledged": (
            _("Alerts acknowledged"),
            _("%(actor)s acknowledged the alerts %(target)s"),
        ),
        "alert_group.silenced": (_("Alerts silenced"), _("%(actor)s silenced the alerts %(target)s")),
    },
    groups={"alert_receiver": _("Alert receivers"), "alert_group": _("Alert groups")},
    models={"alert_receiver": AlertReceiver},
)
