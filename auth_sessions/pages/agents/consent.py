"""What a person sees who connects an agent: the platform's page, and then who asks for what."""

from dataclasses import fields
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_http_methods

from auth_sessions.domain.agents.consent import (
    LIFE,
    AgentRequest,
    SignIn,
    allow,
    begin,
    decline,
    redirect_host,
    sign_in,
    waiting,
)
from auth_sessions.domain.agents.registration import LOOPBACK
from auth_sessions.domain.one_time import new_secret
from auth_sessions.domain.self_service import view_of
from auth_sessions.errors import AgentRefused
from auth_sessions.pages.prefetch import allow_redirect, private
from auth_sessions.pages.words import AGENT_PAGES, context
from core.background.pace import Pace, PaceOfEach
from core.browser_cookie import BrowserCookie
from core.log_context import add_to_request
from core.remote_address import address_of, network_of
from feishu.scopes import scope_text

REQUESTS: Final = PaceOfEach[str](Pace(1 / 5, burst=timedelta(minutes=4)))
"""Of one address: fifty at once, then one in five seconds."""


COOKIE: Final = BrowserCookie("agent")


@require_GET
def authorize(request: HttpRequest) -> HttpResponse:
    """An agent's link: on to the platform, where the person signs in. Nothing that the agent says leads anywhere else."""
    if REQUESTS.start(network_of(address_of(request))):
        return _page(request, "busy")
    names = [field.name for field in fields(AgentRequest)]
    if any(len(request.GET.getlist(name)) > 1 for name in names):
        return _page(request, "refused", reason="A parameter stands in the address twice.")
    browser = COOKIE.value_in(request.COOKIES) or new_secret()
    try:
        address = begin(AgentRequest(**{name: request.GET.get(name, "") for name in names}), browser=browser)
    except AgentRefused as refused:
        add_to_request(outcome=refused.code)
        if refused.code == "access_denied":
            return _page(request, "off")
        return _page(
            request, "busy" if refused.code == "temporarily_unavailable" else "refused", reason=str(refused)
        )
    response = HttpResponseRedirect(address)
    COOKIE.give(response, browser, lasts=LIFE)
    return private(response)


def callback(request: HttpRequest, app_id: str) -> HttpResponse:
    """Take the platform's answer, and redirect to an address without it."""
    outcome, consent = sign_in(
        app_id=app_id,
        state=request.GET.get("state", ""),
        code=request.GET.get("code", ""),
        error=request.GET.get("error", ""),
        browser=COOKIE.value_in(request.COOKIES),
    )
    add_to_request(outcome=outcome.value)
    if consent is None or outcome is not SignIn.SIGNED_IN:
        return _page(request, outcome.value)
    return private(redirect("oauth:agent-consent", consent.pk))


@require_http_methods(["GET", "POST"])
def consent(request: HttpRequest, consent_id: UUID) -> HttpResponse:
    """Who asks for what, with two buttons; each leads back to the agent."""
    found = waiting(consent_id, browser=COOKIE.value_in(request.COOKIES))
    if found is None:
        return _page(request, "unknown")
    asked, offered = found
    if request.method == "POST":
        back = allow(asked) if request.POST.get("answer") == "allow" else decline(asked)
        if back is None:
            return _page(request, "unknown")
        return private(HttpResponseRedirect(back))
    host = redirect_host(asked)
    language = get_language() or settings.LANGUAGE_CODE
    shown = {
        "consent": asked,
        "bot": asked.bot,
        "host": host,
        "is_here": host in LOOPBACK,
        "scopes": [(scope, scope_text(scope).in_language(language)) for scope in asked.bot.auth_scopes],
        "rules": offered.client.proxy_paths,
        # Else the agent hands out a link when it first needs more.
        "is_complete": view_of(
            bot=asked.bot, open_id=asked.open_id, tenant_key=asked.tenant_key, uses=0
        ).is_complete,
    }
    page = render(request, "auth_sessions/agent_consent.html", shown)
    allow_redirect(page, asked.redirect_uri)
    return private(page, has_form=True)


def _page(request: HttpRequest, name: str, *, reason: str = "") -> HttpResponse:
    page = AGENT_PAGES[name]
    shown = context(page, explanation=reason) if reason else context(page)
    return private(render(request, "auth_sessions/outcome.html", shown, status=page.status))
