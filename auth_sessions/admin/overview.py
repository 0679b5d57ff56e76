"""What authorizations bring to the overview: who is asked, how many tokens work, and what failed lately."""

from collections.abc import Iterator
from typing import Final

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import FailureReason, RefreshPhase, SessionState, TokenStatus
from auth_sessions.models import AuthSession, RefreshGate, UserToken
from bots.models import Bot
from core.access.models import User
from core.console.overview import (
    MAX_ENTRIES,
    Card,
    Entry,
    Headline,
    Section,
    Severity,
    Standing,
    list_link,
    register,
)
from core.console.paging import MAX_COUNT
from core.console.sentences import cause_and_cure
from core.database.counts import BoundedCount, count_up_to
from feishu.codes import explain

MAX_SORTED: Final = 1_000
"""Tokens of which the newest are shown: where more need a person, any of them will do."""


def standing(user: User) -> Standing:
    tokens = UserToken.objects.visible_to(user)
    asked = count_up_to(AuthSession.objects.visible_to(user).open(), MAX_COUNT)
    active = count_up_to(tokens.filter(status=TokenStatus.ACTIVE), MAX_COUNT)
    again = count_up_to(tokens.filter(status=TokenStatus.NEEDS_REAUTH), MAX_COUNT)
    uncertain = count_up_to(tokens.filter(phase=RefreshPhase.UNCERTAIN), MAX_COUNT)
    again_link = list_link("auth_sessions_usertoken", status__exact=TokenStatus.NEEDS_REAUTH)
    uncertain_link = list_link("auth_sessions_usertoken", phase__exact=RefreshPhase.UNCERTAIN)
    cards = [
        Card(
            "open-sessions",
            _("Waiting for an answer"),
            str(asked),
            list_link("auth_sessions_authsession", open="yes"),
        ),
        Card(
            "active-tokens",
            _("Active tokens"),
            str(active),
            list_link("auth_sessions_usertoken", status__exact=TokenStatus.ACTIVE),
            tone="good" if active.count else "",
        ),
        Card(
            "needs-reauth",
            _("Must authorize again"),
            str(again),
            again_link,
            tone="bad" if again.count else "",
        ),
        Card(
            "uncertain",
            _("Outcome unknown"),
            str(uncertain),
            uncertain_link,
            tone="bad" if uncertain.count else "",
        ),
    ]
    headlines = [*_paused(user)]
    if uncertain.count:
        headlines.append(Headline(Severity.ATTENTION, _uncertain(uncertain), uncertain_link))
    if again.count:
        headlines.append(Headline(Severity.ATTENTION, _again(again), again_link))
    return Standing(cards, tuple(headlines))


def _uncertain(tokens: BoundedCount) -> str:
    text = ngettext(
        "Whether %(count)s token was refreshed is unknown",
        "Whether %(count)s tokens were refreshed is unknown",
        tokens.count,
    )
    return text % {"count": tokens}


def _again(tokens: BoundedCount) -> str:
    text = ngettext(
        "%(count)s authorization has ended and must be given again",
        "%(count)s authorizations have ended and must be given again",
        tokens.count,
    )
    return text % {"count": tokens}


def _paused(user: User) -> Iterator[Headline]:
    for gate in _paused_gates(user)[:MAX_ENTRIES]:
        sentence = gettext("Tokens of “%(bot)s” are not refreshed") % {"bot": gate.bot.name}
        yield Headline(Severity.FAILING, sentence, reverse("admin:bots_bot_change", args=[gate.bot_id]))


def problems(user: User) -> Iterator[Entry]:
    yield from _failed_sessions(user)
    yield from _tokens(user)
    yield from _paused_apps(user)


def _failed_sessions(user: User) -> Iterator[Entry]:
    sessions = AuthSession.objects.visible_to(user).filter(state=SessionState.FAILED).select_related("bot")
    for session in sessions.order_by("-created_at")[:MAX_ENTRIES]:
        reason = str(FailureReason(session.reason).label)
        is_explained = session.error_code is not None or session.error_reason
        info = explain(session.error_code, session.error_reason).for_one_attempt
        said = f" · {cause_and_cure(info)}" if is_explained else ""
        yield Entry(
            f"{session.bot.name} · {session.open_id}",
            f"{reason}{said}",
            reverse("admin:auth_sessions_authsession_change", args=[session.pk]),
            kind=_("Authorization"),
            at=session.finished_at or session.created_at,
        )


def _tokens(user: User) -> Iterator[Entry]:
    tokens = UserToken.objects.visible_to(user)
    needs_person = UserToken.objects.filter(
        Q(pk__in=tokens.filter(status=TokenStatus.NEEDS_REAUTH).order_by().values("pk")[:MAX_SORTED])
        | Q(pk__in=tokens.filter(phase=RefreshPhase.UNCERTAIN).order_by().values("pk")[:MAX_SORTED])
    )
    for token in needs_person.select_related("bot").order_by("-authorized_at")[:MAX_ENTRIES]:
        is_explained = token.last_code is not None or token.last_reason
        is_uncertain = token.phase == RefreshPhase.UNCERTAIN
        state = RefreshPhase(token.phase).label if is_uncertain else TokenStatus(token.status).label
        yield Entry(
            f"{token.bot.name} · {token}",
            cause_and_cure(explain(token.last_code, token.last_reason)) if is_explained else str(state),
            reverse("admin:auth_sessions_usertoken_change", args=[token.pk]),
            kind=_("Token"),
            at=token.refreshed_at or token.authorized_at,
        )


def _paused_gates(user: User) -> QuerySet[RefreshGate]:
    """Apps whose tokens nobody refreshes until somebody has corrected something; the latest first."""
    enabled = Bot.objects.visible_to(user).enabled()
    gates = RefreshGate.objects.filter(bot__in=enabled, paused_at__isnull=False)
    return gates.select_related("bot").order_by("-paused_at")


def _paused_apps(user: User) -> Iterator[Entry]:
    for gate in _paused_gates(user)[:MAX_ENTRIES]:
        yield Entry(
            gate.bot.name,
            cause_and_cure(explain(gate.code, gate.reason)),
            reverse("admin:bots_bot_change", args=[gate.bot_id]),
            kind=_("Refreshing paused"),
            at=gate.paused_at,
        )


register(Section(title=_("Authorizations"), standing=standing, problems=problems))
