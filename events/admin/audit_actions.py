"""Words of the audit log for what the app does."""

from django.utils.translation import gettext_lazy as _

from core.access.audit_actions import name_actions
from events.models import Subscription

name_actions(
    {
        "replay.started": (_("Replay asked for"), _("%(actor)s asked for the replay %(target)s")),
        "replay.cancelled": (_("Replay cancelled"), _("%(actor)s cancelled the replay %(target)s")),
        "events.pruned": (_("Old events deleted"), _("%(actor)s deleted old events")),
        "events.tokens_blanked": (
            _("Verification Tokens blanked in stored events"),
            _("%(actor)s blanked the Verification Tokens in stored events"),
        ),
        "handler.switched_on": (_("Handler switched on"), _("%(actor)s switched the handler %(target)s on")),
        "handler.switched_off": (
            _("Handler switched off"),
            _("%(actor)s switched the handler %(target)s off"),
        ),
        "subscription.created": (_("Subscription added"), _("%(actor)s added the subscription %(target)s")),
        "subscription.updated": (
            _("Subscription changed"),
            _("%(actor)s changed the subscription %(target)s"),
        ),
        "subscription.removed": (
            _("Subscription deleted"),
            _("%(actor)s deleted the subscription %(target)s"),
        ),
        "subscription.paused": (_("Subscription paused"), _("%(actor)s paused the subscription %(target)s")),
        "subscription.resumed": (
            _("Subscription resumed"),
            _("%(actor)s resumed the subscription %(target)s"),
        ),
        "subscription.secret_rotated": (
            _("Signing secret of a subscription replaced"),
            _("%(actor)s replaced the signing secret of the subscription %(target)s"),
        ),
        "subscription.failing": (
            _("Receiver of a subscription fails"),
            _("The receiver of the subscription %(target)s fails"),
        ),
        "subscription.recovered": (
            _("Receiver of a subscription recovered"),
            _("The receiver of the subscription %(target)s has recovered"),
        ),
        "subscription.gone": (
            _("Subscription stopped: its receiver is gone"),
            _("The subscription %(target)s stopped: its receiver is gone"),
        ),
        "subscription.switched_off": (
            _("Subscription switched off"),
            _("%(actor)s switched the subscription %(target)s off"),
        ),
    },
    groups={
        "replay": _("Replays"),
        "events": _("Events"),
        "handler": _("Handlers"),
        "subscription": _("Subscriptions"),
    },
    models={"subscription": Subscription},
)
