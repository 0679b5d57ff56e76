"""Names of this app's actions in the audit log."""

from django.utils.translation import gettext_lazy as _

from core.access.audit_actions import name_actions

name_actions(
    {
        "replay.started": _("Replay asked for"),
        "replay.cancelled": _("Replay cancelled"),
        "events.pruned": _("Old events deleted"),
        "events.tokens_blanked": _("Verification Tokens blanked in stored events"),
        "handler.switched_on": _("Handler switched on"),
        "handler.switched_off": _("Handler switched off"),
        "subscription.created": _("Subscription added"),
        "subscription.updated": _("Subscription changed"),
        "subscription.removed": _("Subscription deleted"),
        "subscription.paused": _("Subscription paused"),
        "subscription.resumed": _("Subscription resumed"),
        "subscription.secret_rotated": _("Signing secret of a subscription replaced"),
        "subscription.failing": _("Receiver of a subscription fails"),
        "subscription.recovered": _("Receiver of a subscription recovered"),
        "subscription.gone": _("Subscription stopped: its receiver is gone"),
        "subscription.switched_off": _("Subscription switched off"),
    }
)
