"""Words of Unfold and Django that this console shows and that they do not translate into Chinese, or not as people speak.

Unfold ships no Chinese at all; Django lacks a sentence or two, and counts days and months as dates are written. Naming them
here puts them into our catalogue; nothing but the extraction reads the list, and a test holds it to what the two really say.
"""

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext_lazy

UNFOLD_WORDS = (
    _("Select record"),
    _("Select action"),
    _("Select action to run"),
    _("Select value"),
    _("Run"),
    _("Value"),
    _("From"),
    _("To"),
    _("Date from"),
    _("Date to"),
    _("Date"),
    _(
        "Raw passwords are not stored, so there is no way to see this user’s password, but you can change the password "
        'using <a href="{}" class="text-primary-600 dark:text-primary-500">this form</a>.'
    ),
    _("After you've created a user, you’ll be able to edit more user options."),
    _("You have been successfully logged out from the administration"),
    _("Welcome back to"),
    _("Type to search"),
    _("Search apps and models..."),
    _("Recent searches"),
    _("No recent searches"),
    _("No results matching your query"),
    _("Loading more results..."),
    _("Expand row"),
    _("More actions"),
    _("All applications"),
    _("No data"),
    _("True"),
    _("False"),
    _("Filters"),
    _("Apply Filters"),
    _("Select all rows"),
    _("Cancel"),
    _("Submit"),
    _("This item will be deleted."),
    _("Click to cancel"),
    _("Reset filters"),
    _("Go back"),
    _("Previous"),
    _("Next"),
    _("General"),
    _("Light"),
    _("Dark"),
    _("System"),
    _("Return to site"),
)

DJANGO_WORDS = (
    _(
        "Designates whether this user should be treated as active. Unselect this instead of deleting accounts."
    ),
    _(
        "Please enter your old password, for security’s sake, and then enter your new password twice so we can verify you typed it in correctly."
    ),
    _("Password change"),
    _("Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only."),
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
    ),
    ngettext_lazy("%(num)d day", "%(num)d days", "num"),
    ngettext_lazy("%(num)d month", "%(num)d months", "num"),
)
