"""Words of the audit log for what the app does."""

from django.utils.translation import gettext_lazy as _

from core.access.audit_actions import name_actions

name_actions(
    {
        "approval.asked": (_("Approval asked for"), _("%(actor)s asked for approval of %(target)s")),
        "approval.approved": (_("Call approved"), _("%(actor)s approved %(target)s, once")),
        "approval.approved_for_an_hour": (
            _("Calls approved for an hour"),
            _("%(actor)s approved %(target)s, and such calls for an hour"),
        ),
        "approval.hour_ended": (
            _("Approval for an hour ended"),
            _("%(actor)s ended the approval for an hour of %(target)s"),
        ),
        "approval.denied": (_("Call denied"), _("%(actor)s denied %(target)s")),
        "approval.expired": (_("Approval expired"), _("Nobody answered in time: %(target)s")),
        "approval.not_asked": (
            _("Approval card not sent"),
            _("The card that asks for approval of %(target)s could not be sent"),
        ),
        "approval.done": (_("Approved call carried out"), _("%(actor)s carried out %(target)s, as approved")),
        "approval.refused": (
            _("Approved call refused by the platform"),
            _("The platform refused the approved call %(target)s of %(actor)s"),
        ),
        "approval.failed": (
            _("Approved call not carried out"),
            _("The approved call %(target)s of %(actor)s was not sent"),
        ),
        "approval.uncertain": (
            _("Outcome of an approved call unknown"),
            _("Whether the approved call %(target)s was carried out is not known"),
        ),
    },
    groups={"approval": _("Approvals")},
)
