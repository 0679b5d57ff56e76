"""What this app's handlers do, for the page about handlers."""

from django.utils.translation import gettext_lazy as _

from events.handling.descriptions import Description, describe_built_in

_CARDS = _("That button of the cards no longer does anything.")

describe_built_in(
    {
        "approvals.approve": Description(
            _("The buttons by which a person approves a call of an agent."), _CARDS
        ),
        "approvals.end": Description(_("The button by which a person ends an approval for an hour."), _CARDS),
        "approvals.deny": Description(_("The button by which a person denies a call of an agent."), _CARDS),
    }
)
