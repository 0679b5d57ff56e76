"""The card's start link, and the redirect URI to which the platform returns the browser."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from auth_sessions.domain.agents.consent import STATE as AGENT_STATE
from auth_sessions.domain.completion import CompletionOutcome
from auth_sessions.domain.consent import CONSENT_TIME, find_session, open_link, return_from_platform
from auth_sessions.domain.operator_sign_in import STATE as OPERATOR_STATE
from auth_sessions.domain.page_sign_in import STATE as PAGE_STATE
from auth_sessions.errors import AuthError
from auth_sessions.log_facts import of_session
from auth_sessions.models import AuthSession
from auth_sessions.pages import operator_sign_in, page_sign_in
from auth_sessions.pages.agents import consent as agent_consent
from auth_sessions.pages.prefetch import allow_redirect, is_opened_by_person, private
from auth_sessions.pages.words import CONTINUE, LINK_PAGES, OUTCOME_PAGES, Page, context
from core.browser_cookie import BrowserCookie
from core.log_context import add_to_request
from core.remote_address import address_of
from feishu.codes import explain

COOKIE: Final = BrowserCookie("auth")


@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, token: str) -> HttpResponse:
    """Send the browser to the consent page. Only a person uses the link up: see `is_opened_by_person`."""
    browser = COOKIE.value_in(request.COOKIES)
    try:
        if not is_opened_by_person(request):
            session = find_session(token=token, browser=browser)
            add_to_request(outcome="shown", **of_session(session))
            page = render(request, "auth_sessions/continue.html", {"text": CONTINUE["consent"]})
            allow_redirect(page, session.bot.addresses.authorize_url)
            return private(page, has_form=True)
        opened = open_link(token=token, browser=browser)
    except AuthError as error:
        add_to_request(outcome=error.code)
        return _page(request, LINK_PAGES[error.code])
    response = HttpResponseRedirect(opened.authorize_url)
    # As long as any link opened now can be used.
    lasts = timedelta(minutes=settings.AUTH_SESSION_MINUTES) + CONSENT_TIME
    COOKIE.give(response, opened.browser, lasts=lasts)
    return private(response)


@require_GET
def callback(request: HttpRequest, app_id: str) -> HttpResponse:
    """Take the platform's answer and show the outcome; those to people who sign in, to the console, for an agent or to open a
    page, are others."""
    state = request.GET.get("state", "")
    if state.startswith(OPERATOR_STATE):
        return operator_sign_in.callback(request, app_id)
    if state.startswith(AGENT_STATE):
        return agent_consent.callback(request, app_id)
    if state.startswith(PAGE_STATE):
        return page_sign_in.callback(request, app_id)
    returned = return_from_platform(
        app_id=app_id,
        state=state,
        code=request.GET.get("code", ""),
        error=request.GET.get("error", ""),
        browser=COOKIE.value_in(request.COOKIES),
        address=address_of(request),
    )
    add_to_request(outcome=returned.outcome.value)
    if returned.session is not None:
        add_to_request(**of_session(returned.session))
    known = returned.outcome not in {
        CompletionOutcome.UNKNOWN,
        CompletionOutcome.REPLAYED,
        CompletionOutcome.OTHER_BROWSER,
    }
    return _page(request, OUTCOME_PAGES[returned.outcome], session=returned.session if known else None)


def _page(request: HttpRequest, page: Page, *, session: AuthSession | None = None) -> HttpResponse:
    extra = {}
    if session is not None:
        extra = {
            "bot": session.bot,
            "return_url": session.return_url,
            "return_host": urlsplit(session.return_url).hostname or "",
            "log_id": session.error_log_id,
        }
        if session.error_code is not None or session.error_reason:
            info = explain(session.error_code, session.error_reason).for_one_attempt
            language = getattr(request, "LANGUAGE_CODE", settings.LANGUAGE_CODE)
            explanation = f"{info.cause.in_language(language)} {info.cure.in_language(language)}"
            extra |= {"code": session.error_code, "explanation": explanation}
    return private(render(request, "auth_sessions/outcome.html", context(page, **extra), status=page.status))
