"""Why a bot does not hear as it should, and what to do: one sentence each."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bots.connections.status import BotStatus, SlotStatus, Verdict
from bots.enums import SlotState
from core.console.sentences import in_language
from feishu_portal.overview.connections.processes import Process


@dataclass(frozen=True, slots=True)
class Reason:
    """What is the matter and what helps; ``code`` is the platform's, ``said`` its own words."""

    cause: str
    cure: str = ""
    code: int | None = None
    said: str = ""


NO_PROCESS = (
    _("No runfeishu process is running"),
    _("Start one: manage.py runfeishu, or manage.py runportal for everything on one machine"),
)
CONFINED = (
    _("The running processes are confined to other bots"),
    _("Start a runfeishu process without --bot, or with this bot's App ID"),
)
NOBODY = (
    _("No process holds this connection"),
    _("If it stays so, look at the logs of the runfeishu processes"),
)
QUIET = (
    _("The connection stands, but nothing has been heard on it for too long"),
    _(
        "It is replaced by itself; if this comes back, look at the network between the portal and the platform"
    ),
)
LOST = (
    _("The connection was lost and is being made again"),
    _(
        "Nothing, if it comes back within a minute; else look at the network between the portal and the platform"
    ),
)


def reason_of(status: BotStatus, running: Sequence[Process], *, knows_all: bool) -> Reason | None:
    """None for a bot that is as it should be. ``knows_all``: ``running`` are all processes there are."""
    if status.foreign:
        return _foreign(status.foreign)
    if status.verdict is not Verdict.TROUBLE:
        return None
    troubled = [slot for slot in status.slots if slot.verdict is Verdict.TROUBLE]
    if status.problem is not None:
        said = next((slot.row.error_message for slot in troubled if slot.row.problem is not None), "")
        info = status.problem
        return Reason(in_language(info.cause), in_language(info.cure), info.code, said)
    if any(not slot.is_held for slot in troubled) or not troubled:
        return _words(_why_unheld(running) if knows_all else NOBODY)
    return _words(QUIET if any(slot.is_quiet for slot in troubled) else LOST)


def _why_unheld(running: Sequence[Process]) -> tuple[str | Promise, str | Promise]:
    usable = [process for process in running if process.is_alive and not process.is_draining]
    if not usable:
        return NO_PROCESS
    return CONFINED if all(process.confined_to for process in usable) else NOBODY


def _words(pair: tuple[str | Promise, str | Promise]) -> Reason:
    return Reason(str(pair[0]), str(pair[1]))


def _foreign(count: int) -> Reason:
    cause = ngettext(
        "%(count)d connection of this app is held by another program and takes events away",
        "%(count)d connections of this app are held by other programs and take events away",
        count,
    )
    return Reason(
        cause % {"count": count}, gettext("Find and stop it: a colleague's machine, a test, an older system")
    )


def slot_note(slot: SlotStatus) -> str:
    """The word beside a connection's state, if there is something to add."""
    if slot.row.state == SlotState.CONNECTED and not slot.is_held:
        return gettext("its process is gone")
    if slot.row.is_unsteady:
        return gettext("unsteady heartbeat")
    return ""
