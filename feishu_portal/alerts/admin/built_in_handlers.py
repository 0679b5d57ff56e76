"""What this app's handlers do, for the page about handlers."""

from django.utils.translation import gettext_lazy as _

from events.handling.descriptions import Description, describe_built_in

_CARDS = _("That button of the cards no longer does anything.")

describe_built_in(
    {
        "alerts.acknowledge": Description(_("The button that says who takes care of an alert."), _CARDS),
        "alerts.silence": Description(_("The buttons that silence an alert."), _CARDS),
    }
)
