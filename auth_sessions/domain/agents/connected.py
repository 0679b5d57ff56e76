"""Connected agents: made by a person's consent, ended by the person, an operator, the agent, or a secret in two hands."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from auth_sessions.domain.agents.consent import redirect_host
from auth_sessions.domain.tenants import in_tenant
from auth_sessions.enums import AgentEnd
from auth_sessions.models import AgentConsent, AgentToken, ConnectedAgent
from core.access import audit
from core.access.actors import Actor

if TYPE_CHECKING:
    from auth_sessions.models.agents import ConnectedAgentQuerySet
    from bots.models import Bot


def connect(consent: AgentConsent, *, expires_at: datetime, address: str) -> ConnectedAgent:
    """Keep what the person consented to. Audited."""
    agent = ConnectedAgent.objects.create(
        registration=consent.registration,
        name=consent.registration.name,
        redirect_host=redirect_host(consent),
        bot=consent.bot,
        tenant_key=consent.tenant_key,
        open_id=consent.open_id,
        expires_at=expires_at,
    )
    audit.record(
        actor=Actor.user(consent.open_id).at(address),
        action="agent.connected",
        bot=consent.bot,
        target=str(agent),
        redirect_host=agent.redirect_host,
    )
    return agent


@transaction.atomic
def end(agent: ConnectedAgent, why: AgentEnd, *, actor: Actor) -> bool:
    """The agent acts no more, from this moment on: its tokens are deleted. False where it had ended before. Audited."""
    now = timezone.now()
    is_first = ConnectedAgent.objects.filter(pk=agent.pk, ended_at=None).update(
        ended_at=now, expires_at=now, end=why, ended_by=str(actor)
    )
    if not is_first:
        return False
    AgentToken.objects.filter(agent=agent).delete()
    audit.record(
        actor=actor,
        action="agent.reused" if why is AgentEnd.REUSED else "agent.disconnected",
        bot=agent.bot,
        target=str(agent),
        open_id=agent.open_id,
    )
    return True


def of_person(*, bot: "Bot", open_id: str, tenant_key: str = "") -> "ConnectedAgentQuerySet":
    """The agents that may act as a person, newest first."""
    return in_tenant(ConnectedAgent.objects.live().filter(bot=bot, open_id=open_id), tenant_key)
