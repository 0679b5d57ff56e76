"""What this app's handlers do, for the page about handlers."""

from django.utils.translation import gettext_lazy as _

from events.handling.descriptions import Description, describe_built_in

_SILENT = _("The greeting that is set for this occasion is not sent.")

describe_built_in(
    {
        f"greetings.{name}": Description(does, _SILENT)
        for name, does in {
            "welcome": _("Sends the greeting for people who open the chat with the bot for the first time."),
            "welcome_created": _("Sends the same greeting where an older client opens the chat."),
            "bot_added": _("Sends the greeting for groups that the bot is added to."),
            "people_joined": _("Sends the greeting for people who join a group."),
            "menu": _("Answers entries of the bot's menu with what is set for them."),
        }.items()
    }
)
