"""What the handlers of cards about incidents do, for the page about handlers."""

from django.utils.translation import gettext_lazy as _

from events.handling.descriptions import Description, describe_built_in

_CARDS = _("That button of the cards no longer does anything.")

describe_built_in(
    {
        "incidents.take": Description(_("The button that says who takes care of an incident."), _CARDS),
        "incidents.silence": Description(_("The button that silences an incident."), _CARDS),
        "incidents.end_silence": Description(_("The button that ends the silence of an incident."), _CARDS),
        "incidents.check": Description(_("The button that has a bot examined again."), _CARDS),
    }
)
