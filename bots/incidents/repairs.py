"""Where a bot's problems are repaired, and how incidents appear among the overview's problems: apps say so for their causes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from bots.incidents.causes import Cause, cause_named
from bots.models import Incident
from core.console.overview import Problem, Repair, Severity, from_overview
from core.console.sentences import cause_and_cure
from feishu.categories import Category
from feishu.code_table import CHECK_SECRET
from feishu.codes import CodeInfo
from feishu.reasons import Reason

CHANGE_BOT: Final = "bots.change_bot"


def page_of(bot_id: UUID, name: str = "change") -> str:
    return reverse(f"admin:bots_bot_{name}", args=[bot_id])


def repair_of_bot(bot_id: UUID, info: CodeInfo | None, *, reason: str = "") -> Repair:
    """Where a person sets right what keeps a bot from its connections or its tokens. ``reason``: the stored one, where the
    platform gave no code."""
    if reason == Reason.SEALED or (info is not None and info.cure is CHECK_SECRET):
        return Repair(_("Update App Secret"), f"{page_of(bot_id)}#id_app_secret", CHANGE_BOT)
    if info is not None and info.category is Category.WRONG_BRAND:
        return Repair(_("Switch brand"), page_of(bot_id, "switch_brand"), CHANGE_BOT)
    if info is not None and info.category in {Category.CONFIGURATION, Category.PERMISSION}:
        return checklist_of(bot_id)
    return Repair(_("Reconnect"), from_overview(page_of(bot_id, "reconnect")), CHANGE_BOT, is_post=True)


def checklist_of(bot_id: UUID) -> Repair:
    return Repair(_("Open checklist"), f"{page_of(bot_id)}#checklist")


def page_of_subject(incident: Incident) -> str:
    """The page about what has the problem."""
    name = cause_named(incident.cause).page
    try:
        return reverse(name, args=[incident.affected_id])
    except NoReverseMatch:  # a page about all subjects at once
        return reverse(name)


def _open_page(incident: Incident) -> Repair:
    return Repair(_("Open"), page_of_subject(incident))


@dataclass(frozen=True, slots=True)
class Presentation:
    """How incidents of a cause appear."""

    repair: Callable[[Incident], Repair] = _open_page
    severity: Severity = Severity.FAILING


_presentations: dict[str, Presentation] = {}


def present(causes: Iterable[Cause], presentation: Presentation) -> None:
    """Have incidents of these causes appear so; to be called when the app's admin is loaded."""
    _presentations.update({cause.name: presentation for cause in causes})


def problem_of(incident: Incident) -> Problem:
    """An incident as one of the overview's problems."""
    # Before it is asked how it appears: naming an address loads the console, where apps say so.
    page = reverse("admin:bots_incident_change", args=[incident.pk])
    shown = _presentations.get(incident.cause, Presentation())
    return Problem(
        key=incident.problem_key,
        cause=incident.kind,
        severity=shown.severity,
        subject=incident.affected_name,
        sentence=incident.headline,
        link=page,
        repair=shown.repair(incident),
        text=cause_and_cure(incident.explanation),
        since=incident.began_at,
        bot=incident.bot,
    )
