"""Authorization sessions, campaigns, agents, user tokens and their use in the console."""

from auth_sessions.admin import (
    agents,
    audit_actions,
    built_in_handlers,
    campaign_members,
    campaigns,
    overview,
    people,
    search,
    sessions,
    tokens,
    uses,
)

__all__ = [
    "agents",
    "audit_actions",
    "built_in_handlers",
    "campaign_members",
    "campaigns",
    "overview",
    "people",
    "search",
    "sessions",
    "tokens",
    "uses",
]
