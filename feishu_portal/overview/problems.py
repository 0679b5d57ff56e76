"""The overview's list of problems: of all apps, one row a fact, ranked, each with the one button that repairs it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bots.incidents.silences import PERMISSION, silences
from bots.models import ProblemSilence
from core.access.models import User
from core.console.live.digests import digest_of
from core.console.overview import MAX_PROBLEMS, Problem, Repair, SectionState, Severity, sections
from core.console.rendering import actor

MAX_SHOWN: Final = 10
"""Rows that are shown at once; the others unfold."""
TONES: Final = {Severity.ATTENTION: "attention", Severity.FAILING: "failing", Severity.DOWN: "failing"}
SYMBOLS: Final = {Severity.ATTENTION: "warning", Severity.FAILING: "error", Severity.DOWN: "emergency_home"}


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, as far as an operator may see it, the worst first; what is silenced, with the silences; and when the last
    problem that is over ended."""

    problems: list[Problem]
    silenced: list[tuple[Problem, ProblemSilence]]
    last_problem_at: datetime | None = None
    is_more: bool = False
    """An app has named as many as it looks for: there may be others."""

    def find(self, key: str) -> Problem | None:
        """The problem with this key, silenced or not."""
        known = [*self.problems, *(problem for problem, _silence in self.silenced)]
        return next((problem for problem in known if problem.key == key), None)


def findings(user: User) -> Findings:
    """What is wrong now, in a fixed number of queries."""
    return sort(section.state(user) for section in sections())


def sort(states: Iterable[SectionState]) -> Findings:
    """One row a fact, and the worst first: of equal severity in the order of the apps."""
    states = list(states)
    ranked = sorted(
        (problem for state in states for problem in state.problems),
        key=lambda problem: -problem.severity,
    )
    once = list({problem.key: problem for problem in reversed(ranked)}.values())[::-1]
    silent = silences(once)
    ends = [state.last_problem_at for state in states if state.last_problem_at]
    return Findings(
        [problem for problem in once if problem.key not in silent],
        [(problem, silent[problem.key]) for problem in once if problem.key in silent],
        max(ends, default=None),
        is_more=any(len(state.problems) >= MAX_PROBLEMS for state in states),
    )


# --- on the page


def live_list(found: Findings, user: User) -> SafeString:
    """The list; a page that has ``badges.js`` keeps it up to date."""
    return format_html(
        '<div data-live-problems data-digest="{}">{}</div>', digest(found, user), drawn(found, user)
    )


def drawn(found: Findings, user: User) -> SafeString:
    """What stands in the list's place. Its buttons belong to the form of the page."""
    rows = [_row(problem, user) for problem in found.problems]
    return render_to_string(
        "admin/problems/list.html",
        {
            "rows": rows[:MAX_SHOWN],
            "others": rows[MAX_SHOWN:],
            "silenced": [
                _row(problem, user) | {"silence": silence, "by": actor(silence.by)}
                for problem, silence in found.silenced
            ],
            "may_silence": user.has_perm(PERMISSION),
        },
    )


def digest(found: Findings, user: User) -> str:
    """Of everything that the list shows and that does not change by itself."""
    facts = [
        [_facts(problem, user) for problem in found.problems],
        [(_facts(problem, user), silence.by, silence.until) for problem, silence in found.silenced],
    ]
    return digest_of(facts)


def repair_for(problem: Problem, user: User) -> Repair | None:
    """The problem's button, for who may use it."""
    repair = problem.repair
    return repair if not repair.permission or user.has_perm(repair.permission) else None


def _row(problem: Problem, user: User) -> dict[str, Any]:
    return {
        "problem": problem,
        "repair": repair_for(problem, user),
        "tone": TONES[problem.severity],
        "symbol": SYMBOLS[problem.severity],
    }


def _facts(problem: Problem, user: User) -> tuple[object, ...]:
    repair = repair_for(problem, user)
    return (
        problem.key, problem.severity, problem.sentence, problem.text, problem.scale, problem.since, problem.link,
        (str(repair.words), repair.link) if repair else None,
    )  # fmt: skip
