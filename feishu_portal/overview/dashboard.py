"""The overview: numbers that link to their lists, and what went wrong lately.

The number of queries does not depend on the number of rows, and none of them reads more than a bounded stretch of the
events: the newest ``NEWEST`` speak for the last day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import Reason, RefreshPhase, SessionState, TokenStatus
from auth_sessions.models import AuthSession, RefreshGate, UserToken
from bots.connections.status import connected_bots, statuses, unconnected_bots
from bots.incidents.causes import cause_named
from bots.models import Bot, Incident
from core.access.models import User
from core.console.base import operator_of
from core.console.columns import ago
from core.console.sentences import cause_and_cure
from core.vault.redaction import redact_text
from events.admin.filters import own_bots
from events.enums import EventStatus, SubscriptionState
from events.errors import SearchTooSlowError
from events.log.criteria import EventCriteria
from events.log.search import arrived_since, newest
from events.models import Event, Subscription
from feishu.codes import explain

NEWEST = 10_000  # events looked at
DAY = timedelta(hours=24)
EACH = 5  # problems of one kind
PROBLEMS = 10
WRONG = (EventStatus.DEAD, EventStatus.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Card:
    """One number and the list behind it; ``tone`` is good, bad or plain."""

    name: str
    title: str | Promise
    value: str
    link: str
    tone: str = ""
    note: str | Promise = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something an operator may want to look at."""

    at: datetime
    kind: str | Promise
    title: str
    text: str
    link: str

    @property
    def age(self) -> str:
        return ago(self.at)


@dataclass(frozen=True, slots=True)
class Down:
    """A connection that is not there, and why."""

    title: str
    state: str
    text: str
    link: str


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK: adds what ``templates/admin/index.html`` shows."""
    user = operator_of(request)
    now = timezone.now()
    context |= {"title": _("Overview")}
    bots = _count_bots(user)
    if not bots["total"]:
        return context | {
            "is_fresh": True,
            "may_add": user.has_perm("bots.add_bot"),
            "public_url": settings.PUBLIC_URL,
        }
    own = own_bots(user)
    return context | {
        "card_groups": [
            (_("Bots"), _bot_cards(bots)),
            (_("Events in the past 24 hours"), _event_cards(_count_events(own, now))),
            (_("Authorizations"), _authorization_cards(user)),
        ],
        "incidents": _incidents(user),
        "unconnected": _unconnected(user),
        "problems": _problems(user, own),
    }


def _list(name: str, **filters: str) -> str:
    address = reverse(f"admin:{name}_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address


# --- bots


def _count_bots(user: User) -> dict[str, int]:
    return Bot.objects.visible_to(user).aggregate(
        total=Count("pk"),
        connected=Count("pk", filter=Q(pk__in=connected_bots().values("pk"))),
        unconnected=Count("pk", filter=Q(pk__in=unconnected_bots().values("pk"))),
    )


def _bot_cards(bots: dict[str, int]) -> list[Card]:
    away = bots["unconnected"]
    return [
        Card("bots", _("Bots"), str(bots["total"]), _list("bots_bot")),
        Card(
            "connected",
            _("Connected"),
            str(bots["connected"]),
            _list("bots_bot", connected="yes"),
            tone="good" if bots["connected"] else "",
        ),
        Card(
            "not-connected",
            _("Not connected"),
            str(away),
            _list("bots_bot", connected="no"),
            tone="bad" if away else "",
        ),
    ]


def _unconnected(user: User) -> list[Down]:
    """Bots that should have connections and have none."""
    bots = unconnected_bots().visible_to(user).order_by("name", "pk")[:EACH]
    return [
        Down(
            status.bot.name,
            str(status.health.label),
            cause_and_cure(diagnosis.info) if (diagnosis := status.diagnosis()) else "",
            reverse("admin:bots_bot_change", args=[status.bot.pk]),
        )
        for status in statuses(list(bots))
    ]


def _incidents(user: User) -> list[Problem]:
    """What needs a person now, the oldest first."""
    found = Incident.objects.visible_to(user).open().select_related("bot").order_by("pk")
    return [
        Problem(
            incident.began_at,
            cause_named(incident.cause).label,
            incident.headline,
            cause_and_cure(incident.explanation),
            reverse("admin:bots_incident_change", args=[incident.pk]),
        )
        for incident in found[:EACH]
    ]


# --- events


def _count_events(own: tuple[UUID, ...] | None, now: datetime) -> dict[str, int]:
    return arrived_since(now - DAY, bots=own, most=NEWEST).aggregate(
        received=Count("pk"),
        failed=Count("pk", filter=Q(status=EventStatus.DEAD)),
        quarantined=Count("pk", filter=Q(status=EventStatus.QUARANTINED)),
    )


def _event_cards(events: dict[str, int]) -> list[Card]:
    received = events["received"]
    return [
        Card(
            "events",
            _("Received"),
            f"{NEWEST}+" if received >= NEWEST else str(received),
            _list("events_event", since="24h"),
        ),
        Card(
            "failed",
            _("Failed"),
            str(events["failed"]),
            _list("events_event", since="24h", status__exact=EventStatus.DEAD),
            tone="bad" if events["failed"] else "",
        ),
        Card(
            "quarantined",
            _("Unreadable"),
            str(events["quarantined"]),
            _list("events_event", since="24h", status__exact=EventStatus.QUARANTINED),
            tone="bad" if events["quarantined"] else "",
        ),
    ]


# --- authorizations


def _authorization_cards(user: User) -> list[Card]:
    asked = AuthSession.objects.visible_to(user).open().count()
    tokens = UserToken.objects.visible_to(user).aggregate(
        active=Count("pk", filter=Q(status=TokenStatus.ACTIVE)),
        again=Count("pk", filter=Q(status=TokenStatus.NEEDS_REAUTH)),
        uncertain=Count("pk", filter=Q(phase=RefreshPhase.UNCERTAIN)),
    )
    return [
        Card(
            "open-sessions",
            _("Waiting for an answer"),
            str(asked),
            _list("auth_sessions_authsession", open="yes"),
        ),
        Card(
            "active-tokens",
            _("Active tokens"),
            str(tokens["active"]),
            _list("auth_sessions_usertoken", status__exact=TokenStatus.ACTIVE),
            tone="good" if tokens["active"] else "",
        ),
        Card(
            "needs-reauth",
            _("Must authorize again"),
            str(tokens["again"]),
            _list("auth_sessions_usertoken", status__exact=TokenStatus.NEEDS_REAUTH),
            tone="bad" if tokens["again"] else "",
        ),
        Card(
            "uncertain",
            _("Outcome unknown"),
            str(tokens["uncertain"]),
            _list("auth_sessions_usertoken", phase__exact=RefreshPhase.UNCERTAIN),
            tone="bad" if tokens["uncertain"] else "",
        ),
    ]


# --- problems


def _problems(user: User, own: tuple[UUID, ...] | None) -> list[Problem]:
    found = [
        *_event_problems(own),
        *_session_problems(user),
        *_token_problems(user),
        *_paused_apps(user),
        *_subscription_problems(user),
    ]
    return sorted(found, key=lambda problem: problem.at, reverse=True)[:PROBLEMS]


def _event_problems(own: tuple[UUID, ...] | None) -> list[Problem]:
    try:
        found = newest(EventCriteria(bots=own, statuses=WRONG), limit=EACH, scan_limit=NEWEST)
    except SearchTooSlowError:  # how many failed is on the cards
        return []
    events = Event.objects.filter(pk__in=found.pks)
    return [
        Problem(
            event.received_at,
            _("Event"),
            f"{event.bot.name} · {event.event_type or gettext('unknown')}",
            Truncator(event.error).chars(200) or str(EventStatus(event.status).label),
            reverse("admin:events_event_change", args=[event.pk]),
        )
        for event in events.select_related("bot").defer("payload").order_by("-pk")
    ]


def _subscription_problems(user: User) -> list[Problem]:
    stopped = (SubscriptionState.FAILING, SubscriptionState.GONE)
    rows = Subscription.objects.visible_to(user).filter(state__in=stopped).order_by("-state_since")
    return [
        Problem(
            row.state_since,
            _("Subscription"),
            row.name,
            f"{SubscriptionState(row.state).label} · {redact_text(row.last_error)}",
            reverse("admin:events_subscription_change", args=[row.pk]),
        )
        for row in rows[:EACH]
    ]


def _session_problems(user: User) -> list[Problem]:
    sessions = AuthSession.objects.visible_to(user).filter(state=SessionState.FAILED).select_related("bot")
    return [
        Problem(
            session.finished_at or session.created_at,
            _("Authorization"),
            f"{session.bot.name} · {session.open_id}",
            str(Reason(session.reason).label)
            + (f" · {cause_and_cure(explain(session.error_code))}" if session.error_code is not None else ""),
            reverse("admin:auth_sessions_authsession_change", args=[session.pk]),
        )
        for session in sessions.order_by("-created_at")[:EACH]
    ]


def _token_problems(user: User) -> list[Problem]:
    tokens = UserToken.objects.visible_to(user).filter(
        Q(status=TokenStatus.NEEDS_REAUTH) | Q(phase=RefreshPhase.UNCERTAIN)
    )
    return [
        Problem(
            token.refreshed_at or token.authorized_at,
            _("Token"),
            f"{token.bot.name} · {token}",
            cause_and_cure(explain(token.last_code))
            if token.last_code is not None
            else str(
                TokenStatus(token.status).label
                if token.phase != RefreshPhase.UNCERTAIN
                else RefreshPhase(token.phase).label
            ),
            reverse("admin:auth_sessions_usertoken_change", args=[token.pk]),
        )
        for token in tokens.select_related("bot").order_by("-authorized_at")[:EACH]
    ]


def _paused_apps(user: User) -> list[Problem]:
    """Apps whose tokens nobody refreshes until somebody has corrected something."""
    paused = RefreshGate.objects.filter(
        bot__in=Bot.objects.visible_to(user).enabled(), paused_at__isnull=False
    )
    return [
        Problem(
            gate.paused_at,
            _("Refreshing paused"),
            gate.bot.name,
            cause_and_cure(explain(gate.code)),
            reverse("admin:bots_bot_change", args=[gate.bot_id]),
        )
        for gate in paused.select_related("bot").order_by("-paused_at")[:EACH]
        if gate.paused_at
    ]
