"""Words of the audit log for what the app does."""

from django.utils.translation import gettext_lazy as _

from bots.models import Bot, CardTemplate
from core.access.audit_actions import name_actions

name_actions(
    {
        "bot.created": (_("Bot added"), _("%(actor)s added the bot %(target)s")),
        "bot.updated": (_("Bot changed"), _("%(actor)s changed the bot %(target)s")),
        "bot.enabled": (_("Bot switched on"), _("%(actor)s switched the bot %(target)s on")),
        "bot.disabled": (_("Bot switched off"), _("%(actor)s switched the bot %(target)s off")),
        "bot.deleted": (_("Bot deleted"), _("%(actor)s deleted the bot %(target)s")),
        "bot.group_policy_set": (
            _("Answers of a bot in a group set"),
            _("%(actor)s set which messages of the group %(target)s a bot answers"),
        ),
        "bot.secrets_promoted": (
            _("Next secrets of a bot put in use"),
            _("%(actor)s put the next secrets of the bot %(target)s in use"),
        ),
        "bot.next_secrets_expired": (
            _("Unused next secrets of a bot dropped"),
            _("The next secrets of the bot %(target)s were never used, and are dropped"),
        ),
        "bot.rotation_prolonged": (
            _("Rotation of a bot's secrets prolonged"),
            _("The rotation of the secrets of the bot %(target)s is prolonged"),
        ),
        "bot.brand_switched": (
            _("Brand of a bot switched"),
            _("%(actor)s switched the brand of the bot %(target)s"),
        ),
        "bot.connect": (_("Bot connected"), _("%(actor)s had the bot %(target)s connected")),
        "bot.disconnect": (_("Bot disconnected"), _("%(actor)s disconnected the bot %(target)s")),
        "problem.silenced": (
            _("Problem silenced for a day"),
            _("%(actor)s silenced a problem of %(target)s for a day"),
        ),
        "problem.unsilenced": (
            _("Silence of a problem ended"),
            _("%(actor)s ended the silence of a problem of %(target)s"),
        ),
        "incident.assigned": (
            _("Incident assigned"),
            _("%(actor)s had an operator take care of an incident of %(target)s"),
        ),
        "incident.taken": (
            _("Incident taken"),
            _("%(actor)s takes care of an incident of %(target)s"),
        ),
        "incident.unassigned": (
            _("Incident handed back"),
            _("%(actor)s took an incident of %(target)s from who took care of it"),
        ),
        "message_batch.created": (
            _("Batch of messages begun"),
            _("%(actor)s began the batch of messages %(target)s"),
        ),
        "message_batch.retried": (
            _("Batch of messages: the failed tried again"),
            _("%(actor)s had the failed recipients of the batch %(target)s tried again"),
        ),
        "message_batch.cancelled": (
            _("Batch of messages cancelled"),
            _("%(actor)s cancelled the batch of messages %(target)s"),
        ),
        "card_template.created": (
            _("Card template added"),
            _("%(actor)s added the card template %(target)s"),
        ),
        "card_template.updated": (
            _("Card template changed"),
            _("%(actor)s changed the card template %(target)s"),
        ),
        "card_template.deleted": (
            _("Card template deleted"),
            _("%(actor)s deleted the card template %(target)s"),
        ),
    },
    groups={
        "bot": _("Bots"),
        "incident": _("Incidents"),
        "problem": _("Problems"),
        "card_template": _("Card templates"),
        "message_batch": _("Message batches"),
    },
    models={"bot": Bot, "card_template": CardTemplate},
)
