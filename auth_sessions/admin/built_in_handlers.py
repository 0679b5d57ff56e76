"""What this app's handlers do, for the page about handlers."""

from django.utils.translation import gettext_lazy as _

from events.handling.descriptions import Description, describe_built_in

_CARDS = _("That button of the cards no longer does anything.")

describe_built_in(
    {
        f"auth_sessions.handlers.{name}": description
        for name, description in {
            "answer_command": Description(
                _("Answers the commands that people write to the bot: /auth, /status, /revoke, /help."),
                _("People who write /auth get no answer and cannot authorize that way."),
            ),
            "answer_edited_command": Description(
                _("Answers a command that was put right by editing its message."),
                _("Commands that are put right by editing get no answer."),
            ),
            "answer_menu": Description(
                _("Answers commands that are chosen from the bot's menu."),
                _("The commands in the bot's menu get no answer."),
            ),
            "greet_newcomer": Description(
                _("Greets a person who opens the chat with the bot for the first time."),
                _("Nobody is told what the bot can do."),
            ),
            "follow_person": Description(
                _("Follows what changes about people: their names, and that they left the company."),
                _("Names grow old, and authorizations of those who left do not end by that event."),
            ),
            "end_grants_of_leaver": Description(
                _("Ends the authorizations of a person who left the company."),
                _("Authorizations of those who left the company stay until their tokens end."),
            ),
            "note_revocation": Description(
                _("Notes that the platform or a person ended an authorization."),
                _("An authorization that was revoked is found out by the next refresh alone."),
            ),
            "try_again": Description(_("The button “Authorize again” on a card that has ended."), _CARDS),
            "next_code": Description(_("The button that gets a new device code."), _CARDS),
            "start_again": Description(
                _("The button that starts an authorization after one was revoked."), _CARDS
            ),
            "show_own": Description(_("The button that shows people what they authorized."), _CARDS),
            "revoke_own_grant": Description(
                _("The button by which people revoke their authorization."), _CARDS
            ),
            "decline": Description(_("The button “Not now” on the authorization card."), _CARDS),
        }.items()
    }
)
