"""Words of the audit log for what the app does."""

from django.utils.translation import gettext_lazy as _

from core.access.audit_actions import name_actions
from feishu_portal.greetings.models import Greeting

name_actions(
    {
        "greeting.created": (_("Greeting added"), _("%(actor)s added a greeting of the bot %(target)s")),
        "greeting.updated": (_("Greeting changed"), _("%(actor)s changed a greeting of the bot %(target)s")),
        "greeting.deleted": (_("Greeting deleted"), _("%(actor)s deleted a greeting of the bot %(target)s")),
    },
    groups={"greeting": _("Greetings")},
    models={"greeting": Greeting},
)
