"""What the actions of the audit log are called on its page. Every app names its own."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ACTIONS: dict[str, Promise] = {}
"""By action; one that has no name shows as it is written."""


def name_actions(names: Mapping[str, Promise]) -> None:
    """Add the names of an app's actions, from its ``admin``."""
    ACTIONS.update(names)


name_actions(
    {
        "operator.created": _("Operator added"),
        "operator.updated": _("Operator changed"),
        "operator.password_set": _("Password of an operator set"),
        "operator.signed_in": _("Operator signed in"),
        "operator.sign_in_failed": _("Wrong password at sign-in"),
        "operator.sign_in_refused": _("Sign-in refused"),
        "operator.second_factor_failed": _("Wrong second factor"),
        "operator.factor_added": _("Second factor added"),
        "operator.factor_removed": _("Second factor removed"),
        "operator.factors_reset": _("Second factors of an operator reset"),
        "operator.recovery_codes_made": _("Recovery codes made"),
        "operator.account_linked": _("Feishu account of an operator linked"),
        "operator.account_unlinked": _("Feishu account of an operator unlinked"),
        "operator.sessions_ended": _("Sessions of an operator ended"),
        "operator.signed_out": _("Operator signed out"),
        "operator.password_changed": _("Operator changed their password"),
        "operator.deleted": _("Operator deleted"),
        "api_client.created": _("API client added"),
        "api_client.updated": _("API client changed"),
        "api_client.key_replaced": _("API key replaced"),
        "api_client.deleted": _("API client deleted"),
        "keys.rotated": _("Secrets re-encrypted"),
        "keys.unreadable_discarded": _("Unreadable secrets discarded"),
        "installation.adopted": _("Database adopted"),
    }
)
