"""What authorizations bring to the overview: who is asked, how many tokens work or were revoked, and which need a person."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from auth_sessions.admin.asking import MAX_PEOPLE
from auth_sessions.admin.failing import failing_bots
from auth_sessions.domain import incidents, lost_grants
from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.models import AuthSession, RefreshGate, UserToken
from bots.incidents.repairs import Presentation, page_of, present, repair_of_bot
from bots.models import Bot, Incident
from core.access.models import User
from core.console.overview import (
    MAX_PROBLEMS,
    Card,
    Problem,
    Repair,
    Section,
    SectionState,
    Severity,
    list_link,
    register,
)
from core.console.paging import MAX_COUNT
from core.console.sentences import cause_and_cure
from core.database.counts import BoundedCount, count_up_to
from feishu.codes import explain

if TYPE_CHECKING:
    from datetime import datetime

ASK: Final = "auth_sessions.add_authsession"
TOKENS: Final = "auth_sessions_usertoken"
MAX_READ: Final = 1_000
"""Tokens in need of a person that are sorted by their bots; with more, the numbers are lower bounds."""


def state(user: User) -> SectionState:
    tokens = UserToken.objects.visible_to(user)
    asked = count_up_to(AuthSession.objects.visible_to(user).open(), MAX_COUNT)
    active = count_up_to(tokens.filter(status=TokenStatus.ACTIVE), MAX_COUNT)
    again = count_up_to(tokens.filter(status=TokenStatus.NEEDS_REAUTH), MAX_COUNT)
    revoked = count_up_to(tokens.filter(status=TokenStatus.REVOKED), MAX_COUNT)
    uncertain = count_up_to(tokens.filter(phase=RefreshPhase.UNCERTAIN), MAX_COUNT)
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
            list_link(TOKENS, status__exact=TokenStatus.ACTIVE),
            tone="good" if active.count else "",
        ),
        Card(
            "needs-reauth",
            _("Must authorize again"),
            str(again),
            list_link(TOKENS, status__exact=TokenStatus.NEEDS_REAUTH),
            tone="bad" if again.count else "",
        ),
        Card(
            "uncertain",
            _("Outcome unknown"),
            str(uncertain),
            list_link(TOKENS, phase__exact=RefreshPhase.UNCERTAIN),
            tone="bad" if uncertain.count else "",
        ),
        Card(
            "revoked",
            _("Revoked"),
            str(revoked),
            list_link(TOKENS, status__exact=TokenStatus.REVOKED),
        ),
    ]
    problems = [*_paused(user), *failing_bots(user)]
    if again.count:
        problems += _ended(tokens.filter(status=TokenStatus.NEEDS_REAUTH))
    if uncertain.count:
        problems += _uncertain(tokens.filter(phase=RefreshPhase.UNCERTAIN))
    return SectionState(cards, tuple(problems))


def _paused(user: User) -> Iterator[Problem]:
    """Apps whose tokens nobody refreshes until somebody has corrected something."""
    enabled = Bot.objects.visible_to(user).enabled()
    gates = RefreshGate.objects.filter(bot__in=enabled, paused_at__isnull=False)
    for gate in gates.select_related("bot").order_by("paused_at")[:MAX_PROBLEMS]:
        info = explain(gate.code, gate.reason)
        yield Problem(
            key=incidents.REFRESH.key_of(gate.bot_id),
            cause=incidents.REFRESH.name,
            severity=Severity.FAILING,
            subject=gate.bot.name,
            sentence=gettext("Tokens of “%(bot)s” are not refreshed") % {"bot": gate.bot.name},
            link=page_of(gate.bot_id),
            repair=repair_of_bot(gate.bot_id, info, reason=gate.reason),
            text=cause_and_cure(info),
            since=gate.paused_at,
            bot=gate.bot,
        )


def _ended(tokens: QuerySet[UserToken]) -> Iterator[Problem]:
    """By bot, so that its people can be asked again at once."""
    people: dict[UUID, list[str]] = defaultdict(list)
    since: dict[UUID, datetime] = {}
    now = timezone.now()
    columns = ("bot", "open_id", "access_expires_at", "refreshed_at", "authorized_at")
    read = list(tokens.order_by().values_list(*columns)[: MAX_READ + 1])
    for bot_id, open_id, access_expires_at, refreshed_at, authorized_at in read[:MAX_READ]:
        people[bot_id].append(open_id)
        # One that was refused before its time was good for the last time when it was refreshed.
        good_at = access_expires_at if access_expires_at <= now else refreshed_at or authorized_at
        since[bot_id] = min(since.get(bot_id, now), good_at)
    for bot in _bots(people):
        count = BoundedCount(len(people[bot.pk]), is_more=len(read) > MAX_READ)
        asked = urlencode({"bot": str(bot.pk), "open_id": people[bot.pk][:MAX_PEOPLE]}, doseq=True)
        text = ngettext(
            "%(count)s authorization of “%(bot)s” has ended and must be given again",
            "%(count)s authorizations of “%(bot)s” have ended and must be given again",
            count.count,
        )
        yield Problem(
            key=lost_grants.LOST.key_of(bot.pk),
            cause="ended",
            severity=Severity.ATTENTION,
            subject=bot.name,
            sentence=text % {"count": count, "bot": bot.name},
            link=list_link(TOKENS, status__exact=TokenStatus.NEEDS_REAUTH, bot__id__exact=str(bot.pk)),
            repair=Repair(_("Ask again"), f"{reverse('admin:auth_sessions_authsession_ask')}?{asked}", ASK),
            scale=_people(count),
            since=since[bot.pk],
            bot=bot,
        )


def _uncertain(tokens: QuerySet[UserToken]) -> Iterator[Problem]:
    """By bot. The portal finds out by itself when the access token is over, or at somebody's word."""
    counts: dict[UUID, int] = defaultdict(int)
    since: dict[UUID, datetime] = {}
    now = timezone.now()
    read = list(tokens.order_by().values_list("bot", "refreshed_at", "authorized_at")[: MAX_READ + 1])
    for bot_id, refreshed_at, authorized_at in read[:MAX_READ]:
        counts[bot_id] += 1
        since[bot_id] = min(since.get(bot_id, now), refreshed_at or authorized_at)
    for bot in _bots(counts):
        count = BoundedCount(counts[bot.pk], is_more=len(read) > MAX_READ)
        text = ngettext(
            "Whether %(count)s token of “%(bot)s” was refreshed is unknown",
            "Whether %(count)s tokens of “%(bot)s” were refreshed is unknown",
            count.count,
        )
        link = list_link(TOKENS, phase__exact=RefreshPhase.UNCERTAIN, bot__id__exact=str(bot.pk))
        yield Problem(
            key=f"uncertain:{bot.pk}",
            cause="uncertain",
            severity=Severity.ATTENTION,
            subject=bot.name,
            sentence=text % {"count": count, "bot": bot.name},
            link=link,
            repair=Repair(_("Show tokens"), link),
            text=gettext(
                "What works now is not put at risk: the refresh is tried again as soon as the access token is over."
            ),
            scale=_people(count),
            since=since[bot.pk],
            bot=bot,
        )


def _bots(found: dict[UUID, list[str]] | dict[UUID, int]) -> list[Bot]:
    return list(Bot.objects.filter(pk__in=list(found)[:MAX_PROBLEMS]).order_by("name", "pk"))


def _people(count: BoundedCount) -> str:
    return ngettext("%(count)s person", "%(count)s people", count.count) % {"count": count}


def _lost_tokens(incident: Incident) -> Repair:
    of_bot = {"bot__id__exact": str(incident.bot_id)} if incident.bot_id else {}
    return Repair(_("Show tokens"), list_link(TOKENS, status__exact=TokenStatus.NEEDS_REAUTH, **of_bot))


present(
    (incidents.REFRESH,),
    Presentation(
        lambda incident: repair_of_bot(
            incident.affected_id, explain(incident.code, incident.reason), reason=incident.reason
        )
    ),
)
present((lost_grants.LOST, lost_grants.LOST_BY_SEVERAL), Presentation(_lost_tokens))

register(Section(title=_("Authorizations"), state=state))
