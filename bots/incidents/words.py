"""What an incident is, and what to do about it, in the language that is active."""

from typing import Final

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from bots.connections.problems import explain_problem
from bots.enums import IncidentCause
from bots.models import Incident

_HEADLINES: Final = {
    IncidentCause.CONFIGURATION: _("%(bot)s cannot connect: the configuration is wrong"),
    IncidentCause.NOT_CONNECTED: _("%(bot)s is not connected and receives no events"),
    IncidentCause.FOREIGN: _("Somebody else receives events of %(bot)s"),
    IncidentCause.REFRESH: _("The platform refuses %(bot)s: its users' tokens are not refreshed"),
    IncidentCause.DELIVERIES: _("The receiver of “%(bot)s” takes no events"),
}
GONE: Final = "gone"
"""The reason of an incident whose receiver asked for nothing more."""


def headline(incident: Incident) -> str:
    """One line, with the bot's name and without line breaks."""
    return str(_HEADLINES[IncidentCause(incident.cause)]) % {"bot": incident.about}


def cause_and_cure(incident: Incident) -> tuple[str, str]:
    """Why, and what to do; with or without full stops, see ``in_sentences``."""
    if incident.cause == IncidentCause.FOREIGN:
        return _foreign(incident)
    if incident.cause == IncidentCause.DELIVERIES:
        return _deliveries(incident)
    info = explain_problem(incident.code, incident.reason)
    if info is None:
        return gettext("No process holds its connection."), gettext(
            "Make sure that manage.py runfeishu (or runportal) is running, and look at its log."
        )
    language = get_language() or "zh-hans"
    return info.cause.in_language(language), info.cure.in_language(language)


def _foreign(incident: Incident) -> tuple[str, str]:
    online, _slash, held = incident.message.partition("/")
    return (
        gettext(
            "The platform counts %(online)s connections of this app and the portal holds %(held)s. The others take "
            "events away at random."
        )
        % {"online": online, "held": held},
        gettext(
            "Stop the other programs that use this app: a developer's machine, an old deployment. If none is to be "
            "found, reset the App Secret in the developer console and enter the new one here: nobody else can then "
            "connect again."
        ),
    )


def _deliveries(incident: Incident) -> tuple[str, str]:
    if incident.reason == GONE:
        return (
            gettext("The receiver said that it is gone, so nothing is sent to it any more."),
            gettext("If it is there after all, resume the subscription on its page; else remove it."),
        )
    return (
        gettext("Every try of late has failed, the last one with: %(error)s") % {"error": incident.message},
        gettext(
            "Mend the receiver. Its events are kept; it is tried now and then, and gets them when it takes one again."
        ),
    )


def in_sentences(*parts: str) -> str:
    """The parts as sentences, one after the other, punctuated as the active language does it."""
    stop = "。" if (get_language() or "").startswith("zh") else ". "
    return "".join(f"{part.rstrip('.。')}{stop}" for part in parts).strip()
