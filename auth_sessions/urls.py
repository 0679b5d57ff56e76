"""Consent in the browser, the page on which people see what they allowed, and OAuth for the agents that they connect."""

from django.urls import path

from auth_sessions.pages import consent, self_service
from auth_sessions.pages.agents import consent as agents
from auth_sessions.pages.agents import endpoints

app_name = "oauth"

urlpatterns = [
    path("start/<slug:token>/", consent.start, name="start"),
    path("callback/<slug:app_id>/", consent.callback, name="callback"),
    path("my/", self_service.mine, name="mine"),
    path("my/revoke/", self_service.revoke_mine, name="revoke-mine"),
    path("my/agents/<uuid:agent_id>/disconnect/", self_service.disconnect_agent, name="disconnect-agent"),
    path("agents/authorize/", agents.authorize, name="agent-authorize"),
    path("agents/consent/<uuid:consent_id>/", agents.consent, name="agent-consent"),
    path("agents/register/", endpoints.register, name="agent-register"),
    path("agents/token/", endpoints.token, name="agent-token"),
    path("agents/revoke/", endpoints.revoke, name="agent-revoke"),
    path("my/<slug:token>/", self_service.open_mine, name="open-mine"),
]
