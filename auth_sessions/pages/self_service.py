"""A person's own page: what they allowed, who used it, and a button to revoke it."""

from typing import Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from auth_sessions.domain.agents.connected import end, of_person
from auth_sessions.domain.self_service import (
    PAGE_TIME,
    SelfServiceView,
    is_link_live,
    open_self_service_link,
    page_of,
    revoke_own,
)
from auth_sessions.enums import AgentEnd, TokenStatus
from auth_sessions.errors import LinkUnknown
from auth_sessions.pages.own_sections import sections_of
from auth_sessions.pages.prefetch import is_opened_by_person, private
from auth_sessions.pages.words import AGENT_PAGES, CONTINUE, PAGE_OVER, PAGE_REVOKED, Page, context
from core.access.actors import Actor
from core.browser_cookie import BrowserCookie
from core.remote_address import address_of
from feishu.scopes import scope_text

AGENTS_SHOWN: Final = 50


COOKIE: Final = BrowserCookie("mine")


@require_http_methods(["GET", "POST"])
def open_mine(request: HttpRequest, token: str) -> HttpResponse:
    """Use the card's link up and redirect to an address without it."""
    if not is_opened_by_person(request):
        if not is_link_live(token):
            return outcome(request, PAGE_OVER)
        return private(
            render(request, "auth_sessions/continue.html", {"text": CONTINUE["mine"]}), has_form=True
        )
    try:
        browser = open_self_service_link(token)
    except LinkUnknown:
        return outcome(request, PAGE_OVER)
    response = HttpResponseRedirect(reverse("oauth:mine"))
    COOKIE.give(response, browser, lasts=PAGE_TIME)
    return private(response)


def view_of(request: HttpRequest) -> SelfServiceView:
    """The page that is open in the request's browser. Raises LinkUnknown."""
    return page_of(COOKIE.value_in(request.COOKIES))


@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """The page of the person who opened the link in this browser."""
    try:
        view = view_of(request)
    except LinkUnknown:
        return outcome(request, PAGE_OVER)
    language = get_language() or settings.LANGUAGE_CODE
    grant = view.grant if view.grant and view.grant.status != TokenStatus.REVOKED else None
    scopes = [(scope, scope_text(scope).in_language(language)) for scope in grant.scopes] if grant else []
    agents = of_person(bot=view.bot, open_id=view.open_id)[:AGENTS_SHOWN]
    shown = {
        "agents": agents,
        "bot": view.bot,
        "grant": grant,
        "ends_at": view.ends_at,
        "scopes": scopes,
        "sections": sections_of(request, view),
        "uses": view.uses,
    }
    return private(render(request, "auth_sessions/mine.html", shown), has_form=True)


@require_POST
def revoke_mine(request: HttpRequest) -> HttpResponse:
    """Revoke what the person of this browser allowed."""
    try:
        view = view_of(request)
    except LinkUnknown:
        return outcome(request, PAGE_OVER)
    revoke_own(view, address=address_of(request))
    return outcome(request, PAGE_REVOKED, bot=view.bot)


@require_POST
def disconnect_agent(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """End an agent that the person of this browser connected."""
    try:
        view = view_of(request)
    except LinkUnknown:
        return outcome(request, PAGE_OVER)
    agent = of_person(bot=view.bot, open_id=view.open_id).filter(pk=agent_id).first()
    if agent is not None:
        end(agent, AgentEnd.PERSON, actor=Actor.user(view.open_id).at(address_of(request)))
    return outcome(request, AGENT_PAGES["disconnected"], bot=view.bot)


def outcome(request: HttpRequest, page: Page, **extra: object) -> HttpResponse:
    """The page that says what became of what the person did."""
    return private(render(request, "auth_sessions/outcome.html", context(page, **extra), status=page.status))
