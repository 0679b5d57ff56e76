"""What this app's handlers do, for the page about handlers. They only write lines into the log: nothing depends on them."""

from django.utils.translation import gettext_lazy as _

from events.handling.descriptions import Description, describe_built_in

describe_built_in(
    {
        f"events.handlers.{name}": Description(does)
        for name, does in {
            "bot_added_to_chat": _("Logs that the bot was added to a group."),
            "bot_removed_from_chat": _("Logs that the bot was removed from a group."),
            "members_changed": _("Logs that people joined or left a group of the bot."),
            "department_changed": _("Logs that a department was created, changed or deleted."),
            "person_joined": _("Logs that somebody joined the company."),
            "messages_read": _("Logs that somebody read what the bot wrote."),
            "other_event": _("Logs events that no other handler takes."),
        }.items()
    }
)
