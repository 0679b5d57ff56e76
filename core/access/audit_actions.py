"""What the actions of the audit log are called on its page, and the sentence that says what was done. Every app names its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class AuditAction:
    """``sentence`` has places for ``actor`` and ``target``; ``own`` says the same, without the target, of a person who did it
    for themself."""

    name: Promise
    sentence: Promise
    own: Promise | None = None


@dataclass(slots=True)
class _Vocabulary:
    actions: dict[str, AuditAction] = field(default_factory=dict)
    groups: dict[str, Promise] = field(default_factory=dict)
    models: dict[str, type[Model]] = field(default_factory=dict)


_known = _Vocabulary()
ACTIONS: Mapping[str, AuditAction] = _known.actions
"""By action; one that is not there shows as it is written."""
GROUPS: Mapping[str, Promise] = _known.groups
"""What actions are about, by the part of their name before the dot."""
MODELS: Mapping[str, type[Model]] = _known.models
"""Whose fields an action of the group has changed."""


def name_actions(
    actions: Mapping[str, tuple[Promise, ...]],
    *,
    groups: Mapping[str, Promise],
    models: Mapping[str, type[Model]] | None = None,
) -> None:
    """Add an app's actions, each with the words of an ``AuditAction``, from the app's ``admin``. ``groups``: what they are about;
    ``models``: by group, where the words for changed fields are."""
    _known.actions.update({code: AuditAction(*words) for code, words in actions.items()})
    _known.groups.update(groups)
    _known.models.update(models or {})


name_actions(
    {
        "operator.created": (_("Operator added"), _("%(actor)s added the operator %(target)s")),
        "operator.updated": (_("Operator changed"), _("%(actor)s changed the operator %(target)s")),
        "operator.password_set": (
            _("Password of an operator set"),
            _("%(actor)s set the password of the operator %(target)s"),
        ),
        "operator.signed_in": (_("Operator signed in"), _("%(actor)s signed in")),
        "operator.sign_in_failed": (
            _("Wrong password at sign-in"),
            _("%(actor)s: wrong password at sign-in for %(target)s"),
        ),
        "operator.sign_in_refused": (
            _("Sign-in refused"),
            _("%(actor)s: sign-in for %(target)s refused, after too many attempts"),
        ),
        "operator.second_factor_failed": (
            _("Wrong second factor"),
            _("%(actor)s: wrong second factor at sign-in for %(target)s"),
        ),
        "operator.factor_added": (
            _("Second factor added"),
            _("%(actor)s added a second factor of %(target)s"),
        ),
        "operator.factor_removed": (
            _("Second factor removed"),
            _("%(actor)s removed a second factor of %(target)s"),
        ),
        "operator.factors_reset": (
            _("Second factors of an operator reset"),
            _("%(actor)s reset the second factors of the operator %(target)s"),
        ),
        "operator.recovery_codes_made": (
            _("Recovery codes made"),
            _("%(actor)s made new recovery codes for %(target)s"),
        ),
        "operator.account_linked": (
            _("Feishu account of an operator linked"),
            _("%(actor)s linked a Feishu account with the operator %(target)s"),
        ),
        "operator.account_unlinked": (
            _("Feishu account of an operator unlinked"),
            _("%(actor)s unlinked the Feishu account of the operator %(target)s"),
        ),
        "operator.sessions_ended": (
            _("Sessions of an operator ended"),
            _("%(actor)s ended sessions of the operator %(target)s"),
        ),
        "operator.signed_out": (_("Operator signed out"), _("%(actor)s signed out")),
        "operator.password_changed": (
            _("Operator changed their password"),
            _("%(actor)s changed their own password"),
        ),
        "operator.deleted": (_("Operator deleted"), _("%(actor)s deleted the operator %(target)s")),
        "operator.notice_tested": (
            _("Test notice sent"),
            _("%(actor)s sent a test notice to the operator %(target)s"),
        ),
        "api_client.created": (_("API client added"), _("%(actor)s added the API client %(target)s")),
        "api_client.updated": (_("API client changed"), _("%(actor)s changed the API client %(target)s")),
        "api_client.key_replaced": (
            _("API key replaced"),
            _("%(actor)s replaced the key of the API client %(target)s"),
        ),
        "api_client.deleted": (_("API client deleted"), _("%(actor)s deleted the API client %(target)s")),
        "keys.rotated": (_("Secrets re-encrypted"), _("%(actor)s re-encrypted the stored secrets")),
        "keys.unreadable_discarded": (
            _("Unreadable secrets discarded"),
            _("%(actor)s discarded the secrets that no key opens"),
        ),
        "installation.adopted": (_("Database adopted"), _("%(actor)s adopted the database %(target)s")),
        "audit.exported": (_("Audit log exported"), _("%(actor)s exported the audit log")),
    },
    groups={
        "operator": _("Operators"),
        "api_client": _("API clients"),
        "keys": _("Encryption"),
        "installation": _("Installation"),
        "audit": _("Audit log"),
    },
)
