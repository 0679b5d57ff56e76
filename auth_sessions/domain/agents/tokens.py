"""Tokens of connected agents: short access tokens, and refresh tokens that are each used once.

A code or a refresh token that is shown a second time is in two hands. Nobody can say which of them is the agent's, so the
agent is ended, with all its tokens.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from auth_sessions.domain.agents.access import SCOPES, rules
from auth_sessions.domain.agents.connected import connect, end
from auth_sessions.domain.one_time import digest, new_secret
from auth_sessions.enums import AgentEnd, AgentTokenKind
from auth_sessions.models import AgentConsent, AgentToken, ConnectedAgent
from core.access.actors import SYSTEM, Actor
from core.access.api_keys import note_use
from core.access.models import ApiClient, ApiClientQuerySet

ACCESS: Final = "fpa_"
"""What an access token begins with; an API key begins with ``fp_``."""
REFRESH: Final = "fpr_"
ACCESS_LIFE: Final = timedelta(minutes=30)
REFRESH_LIFE: Final = timedelta(days=30)
"""An agent that was not used for so long has to ask its person again."""
USED_STEP: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """Shown once. ``lasts``: of the access token, in seconds."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    lasts: int


def find_code(code: str, *, client_id: str) -> AgentConsent | None:
    """The consent whose code this is, as long as it may be redeemed. One that was redeemed ends its agent."""
    consent = AgentConsent.objects.select_related("agent").filter(code_hash=digest(code)).first()
    if consent is None or str(consent.registration_id) != client_id:
        return None
    if consent.agent is not None:
        end(consent.agent, AgentEnd.REUSED, actor=SYSTEM)
        return None
    return consent if consent.expires_at > timezone.now() else None


def redeem(consent: AgentConsent, *, address: str) -> TokenPair | None:
    """Connect the agent; None where another request did at this moment."""
    with transaction.atomic():
        now = timezone.now()
        agent = connect(consent, expires_at=now + REFRESH_LIFE, address=address)
        # Kept for as long as its tokens could have been used, so that a second use is noticed.
        is_first = AgentConsent.objects.filter(pk=consent.pk, agent=None).update(
            agent=agent, expires_at=now + ACCESS_LIFE
        )
        if not is_first:
            transaction.set_rollback(True)
            return None
        return _issue(agent)


def find_refresh(token: str, *, client_id: str) -> AgentToken | None:
    """The refresh token, as long as it may be used. One that was used ends its agent."""
    found = _tokens(AgentTokenKind.REFRESH).filter(digest=digest(token)).first()
    if found is None or str(found.agent.registration_id) != client_id:
        return None
    if found.used_at is not None:
        end(found.agent, AgentEnd.REUSED, actor=SYSTEM)
        return None
    return found


def refresh(found: AgentToken) -> TokenPair | None:
    """Exchange the refresh token; None where another request did at this moment, which ends the agent."""
    with transaction.atomic():
        if AgentToken.objects.filter(pk=found.pk, used_at=None).update(used_at=timezone.now()):
            return _issue(found.agent)
    end(found.agent, AgentEnd.REUSED, actor=SYSTEM)
    return None


def find_access(token: str) -> AgentToken | None:
    """The access token, as long as it may be used."""
    if not token.startswith(ACCESS):
        return None
    return _tokens(AgentTokenKind.ACCESS).filter(digest=digest(token)).first()


def revoke(found: AgentToken, *, address: str) -> None:
    """The agent gives its token back (RFC 7009), and all others with it."""
    end(found.agent, AgentEnd.AGENT, actor=Actor.user(found.agent.open_id).at(address))


def agent_of(token: str) -> ConnectedAgent | None:
    """The agent that shows an access token, with its bot; its use is noted."""
    found = find_access(token)
    if found is None:
        return None
    agent, now = found.agent, timezone.now()
    if agent.last_used_at is None or now - agent.last_used_at > USED_STEP:
        agent.last_used_at = now
        ConnectedAgent.objects.filter(pk=agent.pk).update(last_used_at=now)
    return agent


def client_of(token: str, *, among: ApiClientQuerySet | None = None) -> ApiClient | None:
    """The API client under whose rules the access token's agent acts, if it may now, with the scopes that are left of it for an
    agent; not to be saved. ``among``: how the row is to be read."""
    found = find_access(token)
    client = rules(found.agent.bot_id, among=among) if found else None
    if client is not None:
        note_use(client)
        client.scopes = [scope for scope in client.scopes if scope in SCOPES]
    return client


def is_connected(agent_pk: str) -> bool:
    """Whether nobody has ended the agent, and agents may act with its bot."""
    agent = ConnectedAgent.objects.filter(pk=agent_pk, ended_at=None).only("bot_id").first()
    return agent is not None and rules(agent.bot_id) is not None


def _tokens(kind: AgentTokenKind) -> QuerySet[AgentToken]:
    now = timezone.now()
    return AgentToken.objects.select_related("agent__bot").filter(
        kind=kind, expires_at__gt=now, agent__ended_at=None
    )


def _issue(agent: ConnectedAgent) -> TokenPair:
    now = timezone.now()
    pair = TokenPair(ACCESS + new_secret(), REFRESH + new_secret(), int(ACCESS_LIFE.total_seconds()))
    AgentToken.objects.bulk_create(
        [
            AgentToken(
                digest=digest(pair.access),
                agent=agent,
                kind=AgentTokenKind.ACCESS,
                expires_at=now + ACCESS_LIFE,
            ),
            AgentToken(
                digest=digest(pair.refresh),
                agent=agent,
                kind=AgentTokenKind.REFRESH,
                expires_at=now + REFRESH_LIFE,
            ),
        ]
    )
    ConnectedAgent.objects.filter(pk=agent.pk).update(expires_at=now + REFRESH_LIFE)
    return pair
